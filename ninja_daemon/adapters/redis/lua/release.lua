-- Give the lease back, if it is still ours.
--
-- KEYS  1 leader
-- ARGV  1 token
--
-- Returns 1 when it was ours, else 0.

if redis.call('TYPE', KEYS[1])['ok'] == 'string' and redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
  return 1
end
return 0
