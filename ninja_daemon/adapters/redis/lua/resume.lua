#!lua flags=allow-oom
-- Let a lane go on at once: no pause, no suspension, no wait. Ages of its messages count from now.
--
-- KEYS  1 lane_state
-- ARGV  1 "hurry" to shorten a wait only, "" to end pause and suspension, too
--
-- Returns 1 when something was changed, else 0.

local changed = redis.call('HDEL', KEYS[1], 'due', 'reason')
if ARGV[1] ~= 'hurry' then changed = changed + redis.call('HDEL', KEYS[1], 'paused', 'suspended', 'suspended_for') end
if changed == 0 then return 0 end
local clock = redis.call('TIME')
redis.call('HSET', KEYS[1], 'young_since', clock[1] * 1000 + math.floor(clock[2] / 1000))
return 1
