-- Deal with what nobody else would: leases that ran out, queued jobs past their deadline or without listeners.
-- ARGV: worker (or '' for a gateway, which sweeps as well), page, most claims. Answers {{'ended', id, state, code, model, duration µs} | {'requeued', id}, ...}.
local done = {}
local now_ms = clock()
local page = tonumber(ARGV[2])
-- First: a full Redis refuses a script only until its first write that frees memory, and endings must get through.
redis.call('ZREMRANGEBYSCORE', WORKERS, '-inf', digits(now_ms - 60000))
if ARGV[1] ~= '' then redis.call('ZADD', WORKERS, digits(now_ms), ARGV[1]) end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', LEASES, '-inf', digits(now_ms), 'LIMIT', 0, page)) do
  local of = redis.call('HMGET', RECORD .. id, 'state', 'last', 'claims')
  if of[1] ~= 'running' then
    redis.call('ZREM', LEASES, id)
  elseif not string.find(of[2], '-0$') or (tonumber(of[3]) or 0) >= tonumber(ARGV[3]) then
    done[#done + 1] = {'ended', unpack(end_by_name(id, 'failed', 'worker_lost'))}
  else
    requeue(id, now_ms)
    done[#done + 1] = {'requeued', id}
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', CHECKS, '-inf', digits(now_ms), 'LIMIT', 0, page)) do
  local of = redis.call('HMGET', RECORD .. id, 'state', 'queue_until_ms', 'attached', 'grace_ms', 'left_ms',
    'created_us')
  local queue_until_ms = tonumber(of[2]) or 0
  local wanted_until_ms = queue_until_ms
  if of[3] == '1' then wanted_until_ms = last_seen_ms(id, of[5], of[6]) + (tonumber(of[4]) or 0) end
  if of[1] ~= 'queued' then
    dequeue(id)
  elseif redis.call('EXISTS', BODY .. id, ARQ_JOB .. id) ~= 2 then
    done[#done + 1] = {'ended', unpack(end_by_name(id, 'failed', 'request_lost'))}
  elseif queue_until_ms <= now_ms then
    done[#done + 1] = {'ended', unpack(end_by_name(id, 'failed', 'queue_timeout'))}
  elseif wanted_until_ms <= now_ms then
    done[#done + 1] = {'ended', unpack(end_by_name(id, 'cancelled', 'abandoned'))}
  else
    redis.call('ZADD', CHECKS, digits(math.min(queue_until_ms, wanted_until_ms)), id)
  end
end

for _, lane in ipairs(LANES) do
  if redis.call('ZCARD', QUEUE .. lane) > 0 then ring(lane) end
end
return done
