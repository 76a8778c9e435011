-- Look at the oldest elements of an inbox without taking them.
--
-- KEYS  1 inbox  2 sequence
-- ARGV  1 elements at most  2 bytes of each that are worth reading
--
-- Returns now in ms, the newest message's number ("" for none), then length, text, SHA-1 of the whole … for each element,
-- oldest first; {"BADTYPE", key, type} when a key is something else. A text longer than the limit is cut; its length says so.

local needed = {'list', 'string'}
for place, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= needed[place] then return {'BADTYPE', key, found} end
end

local longest = tonumber(ARGV[2])
local clock = redis.call('TIME')
local reply = {tostring(clock[1] * 1000 + math.floor(clock[2] / 1000)), redis.call('GET', KEYS[2]) or ''}
for _, text in ipairs(redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)) do
  reply[#reply + 1] = tostring(#text)
  reply[#reply + 1] = string.sub(text, 1, longest)
  reply[#reply + 1] = redis.sha1hex(text)
end
return reply
