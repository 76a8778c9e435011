-- Commit what some candles changed for one strategy: signals, averages, side and cursor, all or nothing.
-- May be sent again after a lost reply: the second time changes nothing.
--
-- KEYS  1 last_processed  2 ma_state  3 signal_state  4 signals  5 listed  6 history  7 fence  8 outcomes
--       9 outcome_history  10 mirror, left out without one
-- ARGV  1 fence of the sender, 0 for none
--       2 what last_processed must hold: "" nothing, "=text", "!type" a key of that wrong type
--       3 what it shall hold            4 id of this commit
--       5 most signals that may wait, and that a mirror holds    6 entries of history kept    7 listed ids kept
--       8 life of ma_state in ms
--       9 time of the ma_state that the fields change, "" when the fields are all there are
--      10 settings hash of that ma_state
--      11 fields of ma_state: field, value, field, value …, each with a line feed behind it
--      12 fields of signal_state, likewise
--      13 number of signals
--      then for each signal: id, open time in seconds, JSON, the terms under which it is followed as JSON
--      then for each outcome: id and open time of its signal, JSON
--
-- Returns {result, a, b}, and for OK a third number
--   OK       listed now, listed before, outcomes listed now
--   ALREADY  0, 0: this very commit was made before
--   STALE    what last_processed holds, ""      FENCED   the newest fence, ""
--   BADTYPE  the key that is in the way, type   QFULL    signals that wait, the limit
--
-- Lua undoes nothing, so everything is looked at before anything is written. Signals are pushed first: a script that
-- dies behind its first write (no known way) repeats a signal rather than losing one, and only the first write is
-- refused when Redis is out of memory. Rights are looked at call by call, so those of all writes are asked for before.

local fence, expected, target, commit = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local queue_cap, history_cap, listed_cap = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local life, base, settings = tonumber(ARGV[8]), ARGV[9], ARGV[10]
local averages, sides, signals = ARGV[11], ARGV[12], tonumber(ARGV[13])
local before_signals, before_outcomes = 13, 13 + 4 * signals
local outcomes = (#ARGV - before_outcomes) / 3

local function kind(key)
  return redis.call('TYPE', key)['ok']
end

-- Many fields in one command; how many values a call may take is limited by Lua's stack.
local function set_fields(key, text)
  local fields = {}
  for word in string.gmatch(text, '([^\n]*)\n') do
    fields[#fields + 1] = word
  end
  for start = 1, #fields, 2000 do
    redis.call('HSET', key, unpack(fields, start, math.min(start + 1999, #fields)))
  end
end

-- Where a value is needed anyway its type is not asked for first: every call counts, as often as this runs in a wake.
local function is_of_wrong_type(answer, command)
  if type(answer) ~= 'table' or not answer.err then return false end
  if string.sub(answer.err, 1, 9) == 'WRONGTYPE' then return true end
  -- Redis 7.0 does not name the command that the user may not run; later servers do.
  if string.find(answer.err, "can't run this command", 1, true) then
    error({err = "NOPERM this user has no permissions to run the '" .. command .. "' command"})
  end
  error(answer)
end

local waiting = redis.pcall('LLEN', KEYS[4])
if is_of_wrong_type(waiting, 'llen') then return {'BADTYPE', KEYS[4], kind(KEYS[4])} end
local needed = {[5] = 'zset', [6] = 'list'}
for place = 5, 6 do
  local found = kind(KEYS[place])
  if found ~= 'none' and found ~= needed[place] then return {'BADTYPE', KEYS[place], found} end
end
for place = 8, signals + outcomes > 0 and 9 or 7 do
  local found = kind(KEYS[place])
  if found ~= 'none' and found ~= 'list' then return {'BADTYPE', KEYS[place], found} end
end
if KEYS[10] then
  local found = kind(KEYS[10])
  if found ~= 'none' and found ~= 'list' then return {'BADTYPE', KEYS[10], found} end
end
local newest = redis.pcall('GET', KEYS[7])
if is_of_wrong_type(newest, 'get') then return {'BADTYPE', KEYS[7], kind(KEYS[7])} end

newest = tonumber(newest or 0) or 0
if not (newest >= 0 and newest < 2 ^ 53) then newest = 0 end
if fence > 0 and fence < newest then return {'FENCED', string.format('%.0f', newest), ''} end

local side_kind = kind(KEYS[3])
local held = redis.pcall('GETRANGE', KEYS[1], 0, 63)
if is_of_wrong_type(held, 'getrange') then
  held = '!' .. kind(KEYS[1])
elseif held ~= '' or kind(KEYS[1]) ~= 'none' then
  held = '=' .. held
end
if held ~= expected then
  if held == '=' .. target and side_kind == 'hash' and redis.call('HGET', KEYS[3], 'commit') == commit then
    return {'ALREADY', '0', '0'}
  end
  return {'STALE', held, ''}
end

-- The averages may have been evicted, or changed by hand, since they were read: then the few fields that changed would
-- make a wrong whole. Without them the next wake rebuilds.
local is_grown = false
if base ~= '' then
  local stored = redis.pcall('HMGET', KEYS[2], 'time', 'cfg')
  is_grown = not is_of_wrong_type(stored, 'hmget') and stored[1] == base and stored[2] == settings
end

local fresh = {}
for index = 0, signals - 1 do
  local offset = before_signals + 4 * index
  if not redis.call('ZSCORE', KEYS[5], ARGV[offset + 1]) then fresh[#fresh + 1] = offset end
end
local closed = {}
for index = 0, outcomes - 1 do
  local offset = before_outcomes + 3 * index
  if not redis.call('ZSCORE', KEYS[5], 'outcome:' .. ARGV[offset + 1]) then closed[#closed + 1] = offset end
end
-- An empty list takes any commit: after a very long outage one alone may hold more signals than may wait.
if #fresh > 0 and waiting > 0 and waiting + #fresh > queue_cap then return {'QFULL', tostring(waiting), tostring(queue_cap)} end

if #fresh + #closed > 0 then
  for _, command in ipairs({
    {'RPUSH', KEYS[4], ''}, {'RPUSH', KEYS[6], ''}, {'ZADD', KEYS[5], '0', ''}, {'LTRIM', KEYS[6], '0', '0'},
    {'ZREMRANGEBYRANK', KEYS[5], '0', '0'}, {'HSET', KEYS[3], '', ''}, {'DEL', KEYS[3]}, {'HSET', KEYS[2], '', ''},
    {'DEL', KEYS[2]}, {'PEXPIRE', KEYS[2], '0'}, {'SET', KEYS[1], ''}, {'SET', KEYS[7], ''},
    {'RPUSH', KEYS[8], ''}, {'LTRIM', KEYS[8], '0', '0'}, {'RPUSH', KEYS[9], ''}, {'LTRIM', KEYS[9], '0', '0'},
    {'RPUSH', KEYS[10] or KEYS[4], ''}, {'LTRIM', KEYS[10] or KEYS[6], '0', '0'},
  }) do
    if not redis.acl_check_cmd(unpack(command)) then
      local name = string.lower(command[1])
      return redis.error_reply("NOPERM this user has no permissions to run the '" .. name .. "' command")
    end
  end
end

for _, offset in ipairs(fresh) do
  redis.call('RPUSH', KEYS[4], ARGV[offset + 3])
  if KEYS[10] then redis.call('RPUSH', KEYS[10], ARGV[offset + 3]) end
  redis.call('RPUSH', KEYS[6], ARGV[offset + 3])
  if ARGV[offset + 4] ~= '' then redis.call('RPUSH', KEYS[9], ARGV[offset + 4]) end
  redis.call('ZADD', KEYS[5], ARGV[offset + 2], ARGV[offset + 1])
end
-- Behind the signals: one may be listed and end in the same commit.
for _, offset in ipairs(closed) do
  redis.call('RPUSH', KEYS[8], ARGV[offset + 3])
  redis.call('RPUSH', KEYS[9], ARGV[offset + 3])
  redis.call('ZADD', KEYS[5], ARGV[offset + 2], 'outcome:' .. ARGV[offset + 1])
end
-- Outcomes that nobody takes never keep signals waiting: the oldest go.
if #closed > 0 then redis.call('LTRIM', KEYS[8], -queue_cap, -1) end
-- Nor does a copy that nobody takes.
if KEYS[10] and #fresh > 0 then redis.call('LTRIM', KEYS[10], -queue_cap, -1) end
if #fresh + #closed > 0 then
  redis.call('LTRIM', KEYS[6], -history_cap, -1)
  redis.call('LTRIM', KEYS[9], -2 * history_cap, -1)
  redis.call('ZREMRANGEBYRANK', KEYS[5], 0, -listed_cap - 1)
end

if side_kind ~= 'none' and side_kind ~= 'hash' then redis.call('DEL', KEYS[3]) end
set_fields(KEYS[3], sides .. 'commit\n' .. commit .. '\n')

if not is_grown then redis.call('DEL', KEYS[2]) end
if is_grown or base == '' then
  set_fields(KEYS[2], averages)
  redis.call('PEXPIRE', KEYS[2], life)
end

redis.call('SET', KEYS[1], target)
if fence > newest then redis.call('SET', KEYS[7], fence) end
return {'OK', tostring(#fresh), tostring(signals - #fresh), tostring(#closed)}
