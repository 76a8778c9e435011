#!lua flags=allow-oom
-- Bring a dead letter back: to the end of its lane, or to the inbox when it never had a lane.
-- May be sent again after a lost reply: a letter that is gone is left alone.
--
-- KEYS  1 dead  2 lane, or inbox  3 sequence  4 lanes  5 seen
-- ARGV  1 the dead letter, whole  2 name of the lane ("" for the inbox)  3 kind  4 id  5 text
--
-- Returns 1 when it was brought back, 0 when it was not there, {"BADTYPE", key, type}.

local needed = {'list', 'list', 'string', 'set', 'zset'}
for place, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= needed[place] then return {'BADTYPE', key, found} end
end

if redis.call('LREM', KEYS[1], 1, ARGV[1]) == 0 then return 0 end
if ARGV[2] == '' then
  redis.call('ZREM', KEYS[5], ARGV[4])
  redis.call('RPUSH', KEYS[2], ARGV[5])
  return 1
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local number = redis.call('INCR', KEYS[3])
redis.call('RPUSH', KEYS[2], string.format('%s %s %d %d\n', ARGV[3], ARGV[4], number, now) .. ARGV[5])
redis.call('SADD', KEYS[4], ARGV[2])
return 1
