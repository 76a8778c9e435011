-- Read everything that is stored of one strategy, whatever it is by now, without ever failing or sending much.
--
-- KEYS  1 last_processed   2 ma_state   3 signal_state
-- ARGV  1 longest value that is worth reading, in bytes
--       2 most fields that a hash may have
--       3 digest of what the caller knows already, "" for nothing      4 number of fields of ma_state that belongs to it
--
-- Returns {"same"} when the caller's digest is that of what is stored: SHA-1 over the cursor, the named fields of ma_state
-- and signal_state in the order below, parted by line feeds, a missing one being a zero byte. Closes and true ranges are
-- not looked at, so that it costs the same however many there are.
-- Else three entries, one a key, each an array that begins with the key's type as Redis names it:
--   string: {"string", value}, cut to the longest length      hash: {"hash", field, value, field, value, …}
--   anything else, a hash with too many fields included: the type alone, or {"hash", "!", fields}
-- A field whose value is too long comes with the value "!".

local longest, most = tonumber(ARGV[1]), tonumber(ARGV[2])

-- The answer about a key of a wrong type is an error without entries, of which nobody knows the digest.
local function append(parts, values, count)
  for place = 1, count do
    parts[#parts + 1] = values[place] or '\0'
  end
end

local function is_known()
  if ARGV[3] == '' or redis.pcall('HLEN', KEYS[2]) ~= tonumber(ARGV[4]) then return false end
  local cursor = redis.pcall('GETRANGE', KEYS[1], 0, longest - 1)
  if type(cursor) ~= 'string' then return false end
  local parts = {cursor}
  append(parts, redis.pcall('HMGET', KEYS[2],
    'v', 'cfg', 'time', 'decimals', 'pip', 'count', 'last', 'side', 'fast', 'slow', 'atr'), 11)
  append(parts, redis.pcall('HMGET', KEYS[3],
    'commit', 'side', 'time', 'evaluated', 'crosses', 'signals', 'revisions', 'gaps', 'shown_before',
    'last_signal_id', 'last_signal_time', 'rejected:atr_warming', 'rejected:min_atr_value', 'rejected:min_rr_ratio'), 14)
  return redis.sha1hex(table.concat(parts, '\n')) == ARGV[3]
end

if is_known() then return {'same'} end

local kinds = {}
for place, key in ipairs(KEYS) do
  kinds[place] = redis.call('TYPE', key)['ok']
end

local reply = {}
for place, key in ipairs(KEYS) do
  local kind = kinds[place]
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
