#!lua flags=allow-oom
-- Change the queue in one step, if it is still as the caller saw it. Knows no rules; those are in core/lanes.
-- Works while Redis is out of memory: it must, since it is what makes room.
--
-- KEYS  every key that is touched
-- ARGV  the type of each key, as Redis names it
--       number of guards, then for each: how its answer is compared, the expected answer, number of words, the words of
--       a command, the second of them the place of its key among the KEYS:
--         "is" the answer, "" for none   "begins" with it   "counts" as that number   "sha1" of it
--         "removes" as many: a command that changes something, run last and only when all the others have held
--       number of commands, then for each its number of words and its words
--
-- Returns {"OK"}, {"CONFLICT", places of the guards that failed, from 0 …} when nothing was changed, or
-- {"BADTYPE", key, type}.

local at = #KEYS + 1
for place, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= ARGV[place] then return {'BADTYPE', key, found} end
end

local function answer_of_next()
  local count = tonumber(ARGV[at])
  local words = {unpack(ARGV, at + 1, at + count)}
  words[2] = KEYS[tonumber(words[2])]
  at = at + count + 1
  return redis.call(unpack(words))
end

local function holds(how, expected, answer)
  if how == 'counts' then return (tonumber(answer) or 0) == tonumber(expected) end
  local text = answer and tostring(answer) or ''
  if how == 'sha1' then text = answer and redis.sha1hex(answer) or '' end
  if how == 'begins' then text = string.sub(text, 1, #expected) end
  return text == expected
end

local reply = {'CONFLICT'}
local guards = tonumber(ARGV[at])
at = at + 1
for place = 0, guards - 1 do
  local how, expected = ARGV[at], ARGV[at + 1]
  at = at + 2
  if how == 'removes' and #reply > 1 then return reply end
  if not holds(how, expected, answer_of_next()) then reply[#reply + 1] = tostring(place) end
end
if #reply > 1 then return reply end

local commands = tonumber(ARGV[at])
at = at + 1
for _ = 1, commands do answer_of_next() end
return {'OK'}
