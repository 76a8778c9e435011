-- Read everything that is stored of one strategy, whatever it is by now, without ever failing or sending much.
--
-- KEYS  1 last_processed   2 ma_state   3 signal_state
-- ARGV  1 longest value that is worth reading, in bytes
--       2 most fields that a hash may have
--
-- Returns three entries, one a key, each an array that begins with the key's type as Redis names it:
--   string: {"string", value}, cut to the longest length      hash: {"hash", field, value, field, value, …}
--   anything else, a hash with too many fields included: the type alone, or {"hash", "!", fields}
-- A field whose value is too long comes with the value "!".

local longest, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local reply = {}

for place, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key)['ok']
  local entry = {kind}
  if kind == 'string' then
    entry[2] = redis.call('GETRANGE', key, 0, longest - 1)
  elseif kind == 'hash' then
    local fields = redis.call('HLEN', key)
    if fields > most then
      entry = {kind, '!', tostring(fields)}
    else
      local all = redis.call('HGETALL', key)
      for index = 1, #all, 2 do
        local value = all[index + 1]
        if #value > longest then value = '!' end
        entry[index + 1] = string.sub(all[index], 1, longest)
        entry[index + 2] = value
      end
    end
  end
  reply[place] = entry
end

return reply
