-- Look at the oldest elements of an inbox without taking them.
--
-- KEYS  1 inbox
-- ARGV  1 elements at most  2 bytes of each that are worth reading
--
-- Returns length, text, SHA-1 of the whole … for each element, oldest first; {"BADTYPE", type} when it is no list.
-- A text longer than the limit is cut; its length says so.

local found = redis.call('TYPE', KEYS[1])['ok']
if found ~= 'none' and found ~= 'list' then return {'BADTYPE', found} end

local longest = tonumber(ARGV[2])
local reply = {}
for _, text in ipairs(redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)) do
  reply[#reply + 1] = tostring(#text)
  reply[#reply + 1] = string.sub(text, 1, longest)
  reply[#reply + 1] = redis.sha1hex(text)
end
return reply
