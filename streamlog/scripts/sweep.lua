-- Deal with what nobody else would: leases that ran out, queued jobs past their deadline or without listeners, and what
-- somebody else has written where ours should stand.
-- ARGV: worker (or '' for a gateway, which sweeps as well), page, most claims.
-- Answers {number of running jobs, {'ended', id, state, code, model, duration µs} | {'requeued', id}, ...}.
local done = {}
local now_ms = clock()
local page = tonumber(ARGV[2])
mend_fleet(ARGV[1], now_ms)
-- First: a full Redis refuses a script only until its first write that frees memory, and endings must get through.
redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', digits(now_ms - 60000))
if ARGV[1] ~= '' then redis.call('ZADD', WORKERS, digits(now_ms), ARGV[1]) end

local function lease_ran_out(id)
  mend_job(id)
  local of = redis.call('HMGET', RECORD .. id, 'state', 'last', 'claims')
  if of[1] ~= 'running' then
    redis.call('ZREM', LEASES, id)
  elseif not string.find(of[2], '-0$') or (tonumber(of[3]) or 0) >= tonumber(ARGV[3]) then
    return {'ended', unpack(end_by_name(id, 'failed', 'worker_lost'))}
  else
    requeue(id, now_ms)
    return {'requeued', id}
  end
end

local function due(id)
  mend_job(id)
  local of = redis.call('HMGET', RECORD .. id, 'state', 'queue_until_ms', 'attached', 'grace_ms', 'left_ms',
    'created_us', 'lane', 'body_bytes')
  local queue_until_ms = tonumber(of[2]) or 0
  local wanted_until_ms = queue_until_ms
  if of[3] == '1' then wanted_until_ms = last_seen_ms(id, of[5], of[6]) + (tonumber(of[4]) or 0) end
  if of[1] ~= 'queued' then
    dequeue(id)
  elseif redis.call('EXISTS', BODY .. id, ARQ_JOB .. id) ~= 2 then
    return {'ended', unpack(end_by_name(id, 'failed', 'request_lost'))}
  elseif queue_until_ms <= now_ms then
    return {'ended', unpack(end_by_name(id, 'failed', 'queue_timeout'))}
  elseif wanted_until_ms <= now_ms then
    return {'ended', unpack(end_by_name(id, 'cancelled', 'abandoned'))}
  elseif not redis.call('ZSCORE', QUEUE .. (of[7] or ''), id) then
    enqueue(id, of[7] or '', of[6] or '0', of[8], math.min(queue_until_ms, wanted_until_ms)) -- its queue was lost
    return {'requeued', id}
  else
    redis.call('ZADD', CHECKS, digits(math.min(queue_until_ms, wanted_until_ms)), id)
  end
end

local function sweep(id, look)
  local well, told = false, nil
  if is_id(id) and redis.call('ZSCORE', CHECKS, id) ~= NOT_OURS then well, told = attempted(look, id) end
  if not well then
    local ended = discard(id)
    told = ended and {'ended', unpack(ended)}
  end
  if told then done[#done + 1] = told end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', digits(now_ms), 'LIMIT', 0, page)) do
  sweep(id, lease_ran_out)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', CHECKS, '-inf', digits(now_ms), 'LIMIT', 0, page)) do
  sweep(id, due)
end

for _, lane in ipairs(LANES) do
  if redis.call('ZCARD', QUEUE .. lane) > 0 then ring(lane) end
end
table.insert(done, 1, redis.call('ZCARD', LEASES))
return done
