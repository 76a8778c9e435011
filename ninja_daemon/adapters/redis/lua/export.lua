-- Read keys of any kind as they all are at one moment. Reads only.
--
-- KEYS  the keys
--
-- Returns {seconds and microseconds of the server's clock, entry, ...}, an entry for each key in order:
--   {"string", ms left, value}            ms left is -1 for a key that does not expire
--   {"list", ms left, element, ...}       the same for "set"
--   {"hash", ms left, field, value, ...}
--   {"zset", ms left, member, score, ...}
--   {"none"}                              it is not there
--   {other type}                          it is nothing of ours

local readers = {
  string = function(key) return {redis.call('GET', key)} end,
  list = function(key) return redis.call('LRANGE', key, 0, -1) end,
  set = function(key) return redis.call('SMEMBERS', key) end,
  hash = function(key) return redis.call('HGETALL', key) end,
  zset = function(key) return redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end,
}

local time = redis.call('TIME')
local reply = {time[1], time[2]}
for _, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key)['ok']
  local entry = {kind}
  if readers[kind] then
    entry[2] = tostring(redis.call('PTTL', key))
    for _, part in ipairs(readers[kind](key)) do entry[#entry + 1] = part end
  end
  reply[#reply + 1] = entry
end
return reply
