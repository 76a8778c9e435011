-- Stands before load.lua and commit.lua: whether what is stored of a strategy is what the caller knows of it.
--
-- From ARGV[at] on: the digest of what the caller knows; the number of fields of ma_state and of signal_state that
-- belongs to it; the fields of each that are under the digest, parted by blanks. The digest is SHA-1 over the cursor and
-- these fields, in their order, parted by line feeds, a missing one being a zero byte.

local split = {}
local function words(text)
  if not split[text] then
    local found = {}
    for word in string.gmatch(text, '%S+') do found[#found + 1] = word end
    split[text] = found
  end
  return split[text]
end

-- The answer about a key of a wrong type is an error without entries, of which nobody knows the digest.
local function append(parts, key, fields)
  local values = redis.pcall('HMGET', key, unpack(fields))
  for place = 1, #fields do
    parts[#parts + 1] = values[place] or '\0'
  end
end

local function is_proven(cursor, averages_key, sides_key, at)
  if redis.pcall('HLEN', averages_key) ~= tonumber(ARGV[at + 1]) then return false end
  if redis.pcall('HLEN', sides_key) ~= tonumber(ARGV[at + 2]) then return false end
  local parts = {cursor}
  append(parts, averages_key, words(ARGV[at + 3]))
  append(parts, sides_key, words(ARGV[at + 4]))
  return redis.sha1hex(table.concat(parts, '\n')) == ARGV[at]
end

