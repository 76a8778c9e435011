#!lua flags=allow-oom
-- Take a lane that is due: look at its first messages and keep everybody else out until the lease runs out.
--
-- KEYS  1 lane  2 lane_state  3 hold of the provider  4 lane that must be ahead (the lane itself when there is none)
-- ARGV  1 lease in ms  2 messages at most
--
-- Returns {"EMPTY"}, {"PAUSED", ms left or -1}, {"SUSPENDED"}, {"LEASED", ms left}, {"WAITING", ms left, reason},
-- {"BADTYPE", key, type}, or
-- {"TAKEN", token, now in ms, attempts, first attempt in ms, maybe sent, allowance in ms, young since in ms, error,
--  message, …}

local needed = {'list', 'hash', 'string', 'list'}
for place, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key)['ok']
  if found ~= 'none' and found ~= needed[place] then return {'BADTYPE', key, found} end
end

local head = redis.call('LINDEX', KEYS[1], 0)
if not head then return {'EMPTY'} end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local held = redis.call('HMGET', KEYS[2], 'lease', 'paused', 'suspended', 'due', 'reason', 'number',
  'attempts', 'first_attempt', 'maybe_sent', 'allowance', 'young_since', 'error')
local lease, paused, due = tonumber(held[1] or 0), tonumber(held[2] or 0), tonumber(held[4] or 0)

if lease > now then return {'LEASED', tostring(lease - now)} end
if held[3] then return {'SUSPENDED'} end
if paused < 0 then return {'PAUSED', '-1'} end
if paused > now then return {'PAUSED', tostring(paused - now)} end
if paused > 0 then
  -- The pause is over; it was asked for, so that it makes no message too old.
  redis.call('HDEL', KEYS[2], 'paused')
  redis.call('HSET', KEYS[2], 'young_since', paused)
  held[11] = tostring(paused)
end
if due > now then return {'WAITING', tostring(due - now), held[5] or 'retry'} end
local hold = redis.call('PTTL', KEYS[3])
if hold > 0 then return {'WAITING', tostring(hold), 'throttled'} end

if KEYS[4] ~= KEYS[1] then
  local ahead = redis.call('LINDEX', KEYS[4], 0)
  if ahead then
    local theirs = tonumber(string.match(ahead, '^%S+ %S+ (%d+) '))
    local ours = tonumber(string.match(head, '^%S+ %S+ (%d+) '))
    if theirs and ours and theirs <= ours then
      -- This wait was asked for, too: whatever holds the lane ahead must not make messages of this one too old.
      redis.call('HSET', KEYS[2], 'young_since', now)
      return {'WAITING', '1000', 'behind'}
    end
  end
end

local messages = redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[2]) - 1)
local token = redis.call('HINCRBY', KEYS[2], 'token', 1)
-- Until we say what became of them, whoever comes after us must believe that these messages were posted.
local newest = string.match(messages[#messages], '^%S+ %S+ (%d+) ') or '0'
redis.call('HSET', KEYS[2], 'lease', now + tonumber(ARGV[1]), 'maybe_sent', newest)
local reply = {'TAKEN', tostring(token), tostring(now), held[7] or '0', held[8] or '0', held[9] or '0',
  held[10] or '0', held[11] or '0', held[12] or ''}
for _, message in ipairs(messages) do reply[#reply + 1] = message end
return reply
