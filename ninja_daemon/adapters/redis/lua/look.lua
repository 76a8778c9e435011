-- Look at a lane without changing anything.
--
-- KEYS  1 lane  2 lane_state  3 hold of the provider  4 lane that must be ahead (the lane itself when there is none)
-- ARGV  1 messages at most
--
-- Returns now in ms, ms for which the provider is held, first message of the lane ahead (cut; "" for none), fields of
-- lane_state, then the messages; or {"BADTYPE", key, type}. The lane is read before the one ahead of it: both in one step.

local needed = {'list', 'hash', 'string', 'list'}
for place, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= needed[place] then return {'BADTYPE', key, found} end
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local messages = redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)
local ahead = KEYS[4] ~= KEYS[1] and #messages > 0 and redis.call('LINDEX', KEYS[4], 0) or ''
return {tostring(now), tostring(redis.call('PTTL', KEYS[3])), string.sub(ahead, 1, 128), redis.call('HGETALL', KEYS[2]), messages}
