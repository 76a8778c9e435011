-- Ask which of the commands that the daemon needs its Redis user may not run. Runs none of them.
--
-- KEYS  the keys that the commands are for, one each
-- ARGV  the commands, one each
--
-- Returns the places (from 1) of those that are not permitted. Redis and Valkey 7.0 and later.

local denied = {}
for place, command in ipairs(ARGV) do
  -- Further words are further keys to DEL, and those are not ours.
  local words = command == 'DEL' and {KEYS[place]} or {KEYS[place], '1', '1'}
  if not redis.acl_check_cmd(command, unpack(words)) then
    table.insert(denied, place)
  end
end
return denied
