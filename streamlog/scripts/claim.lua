-- Move the oldest queued jobs to this worker, with all that it needs to begin: no other round trip follows.
-- Costs by what it claims, never by what is in flight.
-- ARGV: worker, most to claim (at most 8), lease ms, largest body to bring along, lane, then names of record fields.
-- Answers {{id, attempt, hold left ms, queue wait µs, arq's job or false, body or false, record fields ...}, ...}.
local claimed = {}
local now_ms, now_us = clock()
local lane = ARGV[5]
local most = math.min(tonumber(ARGV[2]), 8)
local RECORD_MOST = 1048576
if most < 1 then return claimed end -- an end of -1 would be the whole queue

-- What can fail because of this job, before anything is changed. Nil if it does not wait.
local function looked(id)
  local of = redis.call('HMGET', RECORD .. id, 'state', 'attempt', 'hold_until_ms', 'created_us', 'claims', 'body_bytes')
  if of[1] ~= 'queued' then return nil end
  for i = 2, 6 do
    if not is_figure(of[i]) then error('not a figure', 0) end
  end
  local arq_job, body = redis.call('GET', ARQ_JOB .. id), false
  if redis.call('STRLEN', BODY .. id) <= tonumber(ARGV[4]) then body = redis.call('GET', BODY .. id) end
  if arq_job and #arq_job > 1024 then error('not what arq was given', 0) end
  return {next_attempt(of[2], now_ms), digits((tonumber(of[3]) or 0) - now_ms),
    digits(tonumber(now_us) - (tonumber(of[4]) or now_us)), arq_job, body,
    of[5], of[6]}
end

-- These are mended by the sweep, and not a job's fault.
local held_bytes = redis.call('GET', QUEUED_BYTES .. lane) or '0'
if not string.find(held_bytes, '^%-?%d+$') then return redis.error_reply('ERR queued bytes are no number') end
redis.call('ZCARD', LEASES)

local ids, looks, leases, bytes = {}, {}, {}, 0
local lease_end_ms = digits(now_ms + tonumber(ARGV[3]))
for _, id in ipairs(redis.call('ZRANGE', QUEUE .. lane, 0, most - 1)) do
  local well, found = attempted(looked, id)
  if not well or not is_id(id) then
    leave_to_the_sweep(id)
  elseif not found then
    dequeue(id)
  else
    ids[#ids + 1], looks[#looks + 1] = id, found
    leases[#leases + 1] = lease_end_ms
    leases[#leases + 1] = id
    bytes = bytes + (found[7] or 0)
  end
end
if ids[1] then
  redis.call('ZREM', CHECKS, unpack(ids))
  leave_lane(lane, digits(bytes), unpack(ids))
  redis.call('ZADD', LEASES, unpack(leases))
end

for i, id in ipairs(ids) do
  local found = looks[i]
  redis.call('HSET', RECORD .. id, 'state', 'running', 'attempt', found[1], 'last', found[1] .. '-0',
    'worker', ARGV[1], 'claimed_us', now_us, 'claims', digits((tonumber(found[6]) or 0) + 1))
  local of, size = redis.call('HMGET', RECORD .. id, unpack(ARGV, 6)), 0
  for _, value in ipairs(of) do size = size + (value and #value or 0) end
  if size > RECORD_MOST then
    leave_to_the_sweep(id)
  else
    claimed[#claimed + 1] = {id, found[1], found[2], found[3], found[4], found[5], unpack(of)}
  end
end
if redis.call('ZCARD', QUEUE .. lane) > 0 then ring(lane) end
return claimed
