#!lua flags=allow-oom
-- Move elements from an inbox to their lanes, in order, each one to all of its lanes or to none.
-- May be sent again after a lost reply: an element is moved only while it is the head that the sender looked at, and
-- an id that was taken before is dropped and counted.
-- Works while Redis is out of memory: it must, since it is what makes room.
--
-- KEYS  1 inbox  2 dead  3 seen  4 sequence  5 counters  6 lanes (names of all there ever were)
--       7 … the lanes that are used below
-- ARGV  1 ms for which an id is remembered  2 elements
--       then for each element: SHA-1, kind, id, name to count it under, dead letter ("" for none),
--       number of lanes, and for each its place among the KEYS and its name
--
-- Returns {"OK", moved, place of a repeated element, …} with places counted from 0, or {"BADTYPE", key, type}.
-- A lane's element is "kind id number accepted-ms", a newline, and the text as it stood in the inbox.

local needed = {'list', 'list', 'zset', 'string', 'hash', 'set'}
for place, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= (needed[place] or 'list') then return {'BADTYPE', key, found} end
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local reply = {'OK', '0'}
local moved, at = 0, 3
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - tonumber(ARGV[1]))

for index = 0, tonumber(ARGV[2]) - 1 do
  local digest, kind, id = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local counted, dead, lanes = ARGV[at + 3], ARGV[at + 4], tonumber(ARGV[at + 5])
  at = at + 6
  local head = redis.call('LINDEX', KEYS[1], 0)
  if not head or redis.sha1hex(head) ~= digest then break end
  if id ~= '' and redis.call('ZSCORE', KEYS[3], id) then
    redis.call('HINCRBY', KEYS[5], 'repeated', 1)
    reply[#reply + 1] = tostring(index)
  else
    if dead ~= '' then redis.call('RPUSH', KEYS[2], dead) end
    if lanes > 0 then
      local number = redis.call('INCR', KEYS[4])
      local element = string.format('%s %s %d %d\n', kind, id, number, now) .. head
      for lane = 0, lanes - 1 do
        redis.call('RPUSH', KEYS[tonumber(ARGV[at + 2 * lane])], element)
        redis.call('SADD', KEYS[6], ARGV[at + 2 * lane + 1])
      end
    end
    if id ~= '' then redis.call('ZADD', KEYS[3], now, id) end
    redis.call('HINCRBY', KEYS[5], counted, 1)
  end
  redis.call('LPOP', KEYS[1])
  at = at + 2 * lanes
  moved = moved + 1
end

reply[2] = tostring(moved)
return reply
