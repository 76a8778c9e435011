-- Take or keep the lease that makes one of several daemons the active one.
--
-- KEYS  1 leader  2 epoch  3 fence
-- ARGV  1 who asks: a token that no other process has  2 life of the lease in ms
--       3 a holder that is known to be dead, "" for none   4 number that every fence must exceed: that of the last failover
--
-- Returns {"HELD", fence, "kept" or "taken"} when the asker has the lease now, {"OTHER", token, ms left} when somebody else has it,
-- {"BADTYPE", key, type} when one of the keys is something else.
-- The fence grows with every change of hands, beyond any that a commit has shown; the commit script refuses older ones.

for _, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= 'string' then return {'BADTYPE', key, found} end
end

local token, life = ARGV[1], ARGV[2]
-- Numbers that no counting reaches were written by hand; they count as lost.
local function number(key)
  local value = tonumber(redis.call('GET', key) or 0) or 0
  if value >= 0 and value < 2 ^ 53 then return value end
  return 0
end

local epoch = number(KEYS[2])
local newest = number(KEYS[3])
local floor = tonumber(ARGV[4] or 0)
local holder = redis.call('GET', KEYS[1])
-- A holder whose number is older than one that was shown (a key written or lost by hand) could never commit again, and
-- one from before a failover could stand on both sides of it.
if holder == token and epoch > floor and epoch >= newest then
  redis.call('PEXPIRE', KEYS[1], life)
  return {'HELD', string.format('%.0f', epoch), 'kept'}
end
if holder and holder ~= token and holder ~= ARGV[3] then return {'OTHER', holder, tostring(redis.call('PTTL', KEYS[1]))} end
local fence = math.max(epoch, newest, floor) + 1
redis.call('SET', KEYS[2], string.format('%.0f', fence))
redis.call('SET', KEYS[1], token, 'PX', life)
return {'HELD', string.format('%.0f', fence), 'taken'}
