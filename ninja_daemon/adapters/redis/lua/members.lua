-- Leave a sign of life among the daemons that share the work, and read those of all.
--
-- KEYS  1 members: a hash, token -> "ms of the last sign, ms of the first, egress"
-- ARGV  1 token of the asker, "" to read only  2 its egress  3 ms after which a sign of life is deleted
--
-- Returns token, ms since its last sign of life, ms since its first, egress, and so on; or {"BADTYPE", key, type}.

local found = redis.call('TYPE', KEYS[1])['ok']
if found ~= 'none' and found ~= 'hash' then return {'BADTYPE', KEYS[1], found} end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if ARGV[1] ~= '' then
  local known = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^%d+ (%d+) ')
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s %s', now, known or string.format('%.0f', now), ARGV[2]))
end
local reply, all = {}, redis.call('HGETALL', KEYS[1])
for place = 1, #all, 2 do
  local at, first, egress = string.match(all[place + 1], '^(%d+) (%d+) (.*)$')
  local age = now - (tonumber(at) or 0)
  if age > tonumber(ARGV[3]) and ARGV[1] ~= '' then
    redis.call('HDEL', KEYS[1], all[place])
  else
    reply[#reply + 1] = all[place]
    reply[#reply + 1] = string.format('%.0f', math.max(0, age))
    reply[#reply + 1] = string.format('%.0f', math.max(0, now - (tonumber(first) or now)))
    reply[#reply + 1] = egress or ''
  end
end
return reply
