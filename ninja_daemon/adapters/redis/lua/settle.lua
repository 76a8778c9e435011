#!lua flags=allow-oom
-- Write down what a worker did with the lane that it took, and give the lane back.
-- May be sent again after a lost reply: the token and the messages at the head say whether it still applies.
--
-- KEYS  1 lane  2 lane_state  3 dead  4 counters  5 alerts  6 hold of the provider
-- ARGV  1 token  2 name of the lane
--       3 ms until the lane is due again  4 reason of the wait  5 "young": ages count from the end of the wait
--       6 failed attempts of what is then the head  7 first of them in ms  8 maybe sent  9 allowance in ms
--      10 error  11 why the lane is suspended ("" when it is not)  12 alert ("" for none)
--      13 ms for which the provider's lanes are held  14 how many of the delivered may be repeats
--      15 failures to count  16 messages
--      then for each message, from the head: the message's number, what became of it (the name to count it under),
--      its dead letter ("" for none)
--
-- Returns {"OK"}, {"FENCED"} when somebody else took the lane since, {"MOVED"} when the messages are no longer at the
-- head (purged by hand, or settled by this very call before), {"BADTYPE", key, type}.

local needed = {'list', 'hash', 'list', 'hash', 'list', 'string'}
for place, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= needed[place] then return {'BADTYPE', key, found} end
end

if redis.call('HGET', KEYS[2], 'token') ~= ARGV[1] then return {'FENCED'} end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lane, wait, messages = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[16])

for index = 0, messages - 1 do
  local message = redis.call('LINDEX', KEYS[1], index)
  -- Whatever somebody put into the lane by hand has the number 0.
  if not message or (string.match(message, '^%S+ %S+ (%d+) ') or '0') ~= ARGV[17 + 3 * index] then
    redis.call('HDEL', KEYS[2], 'lease')
    return {'MOVED'}
  end
end
for index = 0, messages - 1 do
  local what, dead = ARGV[18 + 3 * index], ARGV[19 + 3 * index]
  if dead ~= '' then redis.call('RPUSH', KEYS[3], dead) end
  redis.call('LPOP', KEYS[1])
  redis.call('HINCRBY', KEYS[4], what .. ':' .. lane, 1)
end

redis.call('HSET', KEYS[2], 'due', now + wait, 'reason', ARGV[4], 'attempts', ARGV[6], 'first_attempt', ARGV[7],
  'maybe_sent', ARGV[8], 'allowance', ARGV[9], 'error', ARGV[10])
redis.call('HDEL', KEYS[2], 'lease')
if ARGV[5] == 'young' then redis.call('HSET', KEYS[2], 'young_since', now + wait) end
if ARGV[11] ~= '' then redis.call('HSET', KEYS[2], 'suspended', now, 'suspended_for', ARGV[11]) end
if ARGV[12] ~= '' then redis.call('RPUSH', KEYS[5], ARGV[12]) end
if tonumber(ARGV[13]) > 0 then redis.call('SET', KEYS[6], lane, 'PX', ARGV[13]) end
if tonumber(ARGV[14]) > 0 then redis.call('HINCRBY', KEYS[4], 'repeats:' .. lane, ARGV[14]) end
if tonumber(ARGV[15]) > 0 then redis.call('HINCRBY', KEYS[4], 'failures:' .. lane, ARGV[15]) end
return {'OK'}
