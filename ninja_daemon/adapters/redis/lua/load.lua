-- Read everything that is stored of some strategies, whatever it is by now, without ever failing or sending much.
--
-- KEYS  1 last_processed   2 ma_state   3 signal_state, and so on for each further strategy
-- ARGV  1 longest value that is worth reading, in bytes
--       2 most fields that a hash may have
--       then for each strategy: digest of what the caller knows already, "" for nothing; the number of fields of ma_state
--       and of signal_state that belongs to it; the fields of each that are under the digest, parted by blanks
--
-- Returns for each strategy:
-- {"same"} when the caller's digest is that of what is stored (proof.lua). Closes and true ranges are not looked at, so
-- that it costs the same however many there are.
-- Else three entries, one a key, each an array that begins with the key's type as Redis names it:
--   string: {"string", value}, cut to the longest length      hash: {"hash", field, value, field, value, …}
--   anything else, a hash with too many fields included: the type alone, or {"hash", "!", fields}
-- A field whose value is too long comes with the value "!".

local longest, most = tonumber(ARGV[1]), tonumber(ARGV[2])

local function is_known(cursor_key, averages_key, sides_key, at)
  if ARGV[at] == '' then return false end
  local cursor = redis.pcall('GETRANGE', cursor_key, 0, longest - 1)
  return type(cursor) == 'string' and is_proven(cursor, averages_key, sides_key, at)
end

local function entry_of(key)
  local kind = redis.call('TYPE', key)['ok']
  if kind == 'string' then return {kind, redis.call('GETRANGE', key, 0, longest - 1)} end
  if kind ~= 'hash' then return {kind} end
  local fields = redis.call('HLEN', key)
  if fields > most then return {kind, '!', tostring(fields)} end
  local entry, all = {kind}, redis.call('HGETALL', key)
  for index = 1, #all, 2 do
    local value = all[index + 1]
    if #value > longest then value = '!' end
    entry[index + 1] = string.sub(all[index], 1, longest)
    entry[index + 2] = value
  end
  return entry
end

local replies = {}
for number = 0, #KEYS / 3 - 1 do
  local cursor, averages, sides = KEYS[3 * number + 1], KEYS[3 * number + 2], KEYS[3 * number + 3]
  if is_known(cursor, averages, sides, 5 * number + 3) then
    replies[number + 1] = {'same'}
  else
    replies[number + 1] = {entry_of(cursor), entry_of(averages), entry_of(sides)}
  end
end

return replies
