-- Commit what some candles changed for some strategies: of each signals, averages, side and cursor, all or nothing.
-- May be sent again after a lost reply: the second time changes nothing. A strategy that is refused stops no other one.
--
-- KEYS  1 signals  2 fence  3 history  4 outcomes  5 outcome_history  6 mirror, left out without one
--       then for each strategy: last_processed, ma_state, signal_state, listed; no strategy comes twice
-- ARGV  1 number of strategies           2 fence of the sender, 0 for none
--       3 most signals that may wait, and that a mirror holds    4 entries of history kept    5 listed ids kept
--       then for each strategy:
--       1 what last_processed must hold: "" nothing, "=text", "!type" a key of that wrong type
--       2 what it shall hold            3 id of this commit
--       4 id of the commit that signal_state must name, since only what changed after it is sent; "" when all is sent
--       5 life of ma_state in ms
--       6 time of the ma_state that the fields change, "" when the fields are all there are
--       7 settings hash of that ma_state
--       8 number of words for ma_state  9 for signal_state      10 number of signals     11 of outcomes
--       12 to 16 the proof of what the commit is built on (proof.lua); its digest is "" where a load has told
--       then the words for ma_state, field, value, field, value …; the same for signal_state;
--       for each signal: id, open time in seconds, JSON, the terms under which it is followed as JSON;
--       for each outcome: id and open time of its signal, JSON
--
-- Returns for each strategy "OK" when nothing was to be listed, else {result, a, b}, and for OK a third number
--   OK       listed now, listed before, outcomes listed now
--   ALREADY  0, 0: this very commit was made before
--   STALE    what last_processed holds, ""      FENCED   the newest fence, ""
--   BADTYPE  the key that is in the way, type   QFULL    signals that wait, the limit
--
-- Lua undoes nothing, so everything of all strategies is looked at before anything is written, and the rights of all
-- writes are asked for before: whatever stops the script stops it there. Signals are pushed first: a script that dies
-- behind its first write (no known way) repeats a signal rather than losing one, and only the first write is refused
-- when Redis is out of memory.

local count, fence = tonumber(ARGV[1]), tonumber(ARGV[2])
local queue_cap, history_cap, listed_cap = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local shared = #KEYS - 4 * count
local LIST, FENCE, HISTORY, OUTCOMES, FOLLOWED, MIRROR = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], nil
if shared == 6 then MIRROR = KEYS[6] end

local function kind(key)
  return redis.call('TYPE', key)['ok']
end

local function bad_type(key, wanted)
  local found = kind(key)
  if found ~= 'none' and found ~= wanted then return {'BADTYPE', key, found} end
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

-- How many values a call may take is limited by Lua's stack.
local function set_fields(key, first, words)
  for start = first, first + words - 1, 2000 do
    redis.call('HSET', key, unpack(ARGV, start, math.min(start + 1999, first + words - 1)))
  end
end

-- What is the same for all strategies is looked at once.
local waiting, newest = redis.pcall('LLEN', LIST), nil
local function refusal_of_all()
  if is_of_wrong_type(waiting, 'llen') then return {'BADTYPE', LIST, kind(LIST)} end
  local bad = bad_type(HISTORY, 'list') or (MIRROR and bad_type(MIRROR, 'list'))
  if bad then return bad end
  newest = redis.pcall('GET', FENCE)
  if is_of_wrong_type(newest, 'get') then return {'BADTYPE', FENCE, kind(FENCE)} end
  newest = tonumber(newest or 0) or 0
  if not (newest >= 0 and newest < 2 ^ 53) then newest = 0 end
  if fence > 0 and fence < newest then return {'FENCED', string.format('%.0f', newest), ''} end
end

-- Return what stands against the commit of one strategy; else nothing, and "plan" says what to write.
local function refusal(plan, at)
  local cursor, averages, sides, listed = unpack(KEYS, plan.key, plan.key + 3)
  local expected, target, commit, since = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  if plan.signals + plan.outcomes > 0 then
    local bad = bad_type(listed, 'zset') or bad_type(OUTCOMES, 'list') or bad_type(FOLLOWED, 'list')
    if bad then return bad end
  end
  local is_to_prove, named = ARGV[at + 11] ~= '', nil
  local held = redis.pcall('GETRANGE', cursor, 0, 63)
  if is_of_wrong_type(held, 'getrange') then
    held = '!' .. kind(cursor)
  elseif held ~= '' or kind(cursor) ~= 'none' then
    held = '=' .. held
  end
  if not is_to_prove or held ~= expected then
    named = redis.pcall('HGET', sides, 'commit')
    plan.is_no_hash = is_of_wrong_type(named, 'hget')
  end
  if held ~= expected then
    if held == '=' .. target and named == commit then return {'ALREADY', '0', '0'} end
    return {'STALE', held, ''}
  end
  if is_to_prove then
    -- Nobody has asked before: state that is not as the sender left it is read in full and evaluated anew.
    if not is_proven(string.sub(held, 2), averages, sides, at + 11) then return {'STALE', held, ''} end
  elseif since ~= '' and named ~= since then
    return {'STALE', held, ''} -- What was not sent is not there any more.
  end

  -- The averages may have been evicted, or changed by hand, since they were read: then the few fields that changed would
  -- make a wrong whole. Without them the next wake rebuilds.
  local base = ARGV[at + 5]
  plan.is_whole = base == ''
  if is_to_prove then
    plan.is_grown = base ~= ''
  elseif base ~= '' then
    local stored = redis.pcall('HMGET', averages, 'time', 'cfg')
    plan.is_grown = not is_of_wrong_type(stored, 'hmget') and stored[1] == base and stored[2] == ARGV[at + 6]
  end

  plan.fresh, plan.closed = {}, {}
  for offset = plan.first_signal, plan.first_signal + 4 * plan.signals - 1, 4 do
    if not redis.call('ZSCORE', listed, ARGV[offset]) then plan.fresh[#plan.fresh + 1] = offset end
  end
  for offset = plan.first_outcome, plan.first_outcome + 3 * plan.outcomes - 1, 3 do
    if not redis.call('ZSCORE', listed, 'outcome:' .. ARGV[offset]) then plan.closed[#plan.closed + 1] = offset end
  end
  -- An empty list takes any commit: after a very long outage one alone may hold more signals than may wait.
  if #plan.fresh > 0 and waiting > 0 and waiting + #plan.fresh > queue_cap then
    return {'QFULL', tostring(waiting), tostring(queue_cap)}
  end
  waiting = waiting + #plan.fresh
end

local function require_rights(commands)
  for _, command in ipairs(commands) do
    if not redis.acl_check_cmd(unpack(command)) then
      error({err = "NOPERM this user has no permissions to run the '" .. string.lower(command[1]) .. "' command"})
    end
  end
end

local answers, plans, all = {}, {}, refusal_of_all()
local at, is_listing = 6, false
for place = 1, count do
  local plan = {key = shared + 4 * place - 3, at = at, signals = tonumber(ARGV[at + 9]), outcomes = tonumber(ARGV[at + 10])}
  plan.words, plan.side_words = tonumber(ARGV[at + 7]), tonumber(ARGV[at + 8])
  plan.first_signal = at + 16 + plan.words + plan.side_words
  plan.first_outcome = plan.first_signal + 4 * plan.signals
  at = plan.first_outcome + 3 * plan.outcomes
  answers[place] = all or refusal(plan, plan.at)
  if not answers[place] then
    if #plans == 0 then
      require_rights({
        {'HSET', KEYS[plan.key + 2], '', ''}, {'DEL', KEYS[plan.key + 2]}, {'HSET', KEYS[plan.key + 1], '', ''},
        {'DEL', KEYS[plan.key + 1]}, {'PEXPIRE', KEYS[plan.key + 1], '0'}, {'SET', KEYS[plan.key], ''}, {'SET', FENCE, ''},
      })
    end
    if #plan.fresh + #plan.closed > 0 and not is_listing then
      is_listing = true
      require_rights({
        {'RPUSH', LIST, ''}, {'RPUSH', HISTORY, ''}, {'LTRIM', HISTORY, '0', '0'}, {'RPUSH', OUTCOMES, ''},
        {'LTRIM', OUTCOMES, '0', '0'}, {'RPUSH', FOLLOWED, ''}, {'LTRIM', FOLLOWED, '0', '0'},
        {'RPUSH', MIRROR or LIST, ''}, {'LTRIM', MIRROR or HISTORY, '0', '0'},
        {'ZADD', KEYS[plan.key + 3], '0', ''}, {'ZREMRANGEBYRANK', KEYS[plan.key + 3], '0', '0'},
      })
    end
    plan.place = place
    plans[#plans + 1] = plan
  end
end

local has_signals, has_outcomes = false, false

local function list(plan)
  local listed = KEYS[plan.key + 3]
  for _, offset in ipairs(plan.fresh) do
    redis.call('RPUSH', LIST, ARGV[offset + 2])
    if MIRROR then redis.call('RPUSH', MIRROR, ARGV[offset + 2]) end
    redis.call('RPUSH', HISTORY, ARGV[offset + 2])
    if ARGV[offset + 3] ~= '' then redis.call('RPUSH', FOLLOWED, ARGV[offset + 3]) end
    redis.call('ZADD', listed, ARGV[offset + 1], ARGV[offset])
    has_signals = true
  end
  -- Behind the signals: one may be listed and end in the same commit.
  for _, offset in ipairs(plan.closed) do
    redis.call('RPUSH', OUTCOMES, ARGV[offset + 2])
    redis.call('RPUSH', FOLLOWED, ARGV[offset + 2])
    redis.call('ZADD', listed, ARGV[offset + 1], 'outcome:' .. ARGV[offset])
    has_outcomes = true
  end
  if #plan.fresh + #plan.closed > 0 then redis.call('ZREMRANGEBYRANK', listed, 0, -listed_cap - 1) end
end

for _, plan in ipairs(plans) do
  local averages, sides = KEYS[plan.key + 1], KEYS[plan.key + 2]
  list(plan)
  if plan.is_no_hash then redis.call('DEL', sides) end
  set_fields(sides, plan.at + 16 + plan.words, plan.side_words)
  if not plan.is_grown then redis.call('DEL', averages) end
  if plan.is_grown or plan.is_whole then
    set_fields(averages, plan.at + 16, plan.words)
    redis.call('PEXPIRE', averages, ARGV[plan.at + 4])
  end
  redis.call('SET', KEYS[plan.key], ARGV[plan.at + 1])
  if plan.signals + plan.outcomes == 0 then
    answers[plan.place] = 'OK'
  else
    local fresh = #plan.fresh
    answers[plan.place] = {'OK', tostring(fresh), tostring(plan.signals - fresh), tostring(#plan.closed)}
  end
end

if has_signals or has_outcomes then
  redis.call('LTRIM', HISTORY, -history_cap, -1)
  redis.call('LTRIM', FOLLOWED, -2 * history_cap, -1)
end
-- Outcomes that nobody takes never keep signals waiting: the oldest go. Nor does a copy that nobody takes.
if has_outcomes then redis.call('LTRIM', OUTCOMES, -queue_cap, -1) end
if MIRROR and has_signals then redis.call('LTRIM', MIRROR, -queue_cap, -1) end
if #plans > 0 and fence > newest then redis.call('SET', FENCE, fence) end
return answers
