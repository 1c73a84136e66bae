-- Put a job into the queue, or join one that exists. Its body must be stored already.
-- ARGV: id, body bytes, most jobs, most bytes, life ms, queue wait ms, hold ms, arq's job, gateway or '', watch ms,
--       lane, fingerprint, idempotency digest or '', '1' if the client says that it is a retry,
--       owner, its requests a minute, its tokens a minute, its jobs at once (0: without limit),
--       then record fields as name, value, ...
-- Answers {'queued' | 'joined' | 'idempotency_conflict', created µs, id},
--       or {'queue_full_jobs' | 'queue_full_bytes' | 'body_missing' | 'streams_limited', the present figure},
--       or {'requests_limited' | 'tokens_limited', milliseconds until it is worth asking again}.
local id, body_bytes, life_ms, lane = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[5]), ARGV[11]
local gateway, watch_ms, fingerprint, idempotency = ARGV[9], tonumber(ARGV[10]), ARGV[12], ARGV[13]
local owner, requests, tokens, streams = ARGV[15], tonumber(ARGV[16]), tonumber(ARGV[17]), tonumber(ARGV[18])
local OWNED_MOST = 10000
local now_ms, now_us = clock()

local function refuse(...)
  redis.call('UNLINK', BODY .. id)
  return {...}
end

-- An image weighs far less than its bytes, so an estimate is at most a tenth of what a minute brings.
local estimate = math.min(math.ceil(body_bytes / 4), math.floor(tokens / 10))

-- A field of the new record.
local function given(name)
  for i = 19, #ARGV, 2 do
    if ARGV[i] == name then return ARGV[i + 1] end
  end
end

local function over(limit, budget, needed)
  local missing = limit > 0 and spent(redis.call('HGET', BUDGET .. owner, budget), now_us, limit) + needed - limit or 0
  return missing > 0 and digits(math.ceil(missing * 60000 / limit))
end

-- Jobs that a Redis which lost its tail has forgotten are looked for only here.
local function live()
  if redis.call('ZCARD', LIVE .. owner) >= streams then
    for _, job in ipairs(redis.call('ZRANGE', LIVE .. owner, 0, 63)) do
      if not lives(redis.call('HGET', RECORD .. job, 'state')) then redis.call('ZREM', LIVE .. owner, job) end
    end
  end
  return redis.call('ZCARD', LIVE .. owner)
end

local function join(twin)
  local of = redis.call('HMGET', RECORD .. twin, 'created_us', 'state', 'grace_ms')
  redis.call('HSET', RECORD .. twin, 'joined_by', id)
  if gateway ~= '' and lives(of[2]) then watch(twin, gateway, watch_ms, of[3], now_ms) end
  return refuse('joined', of[1], twin)
end

local known = redis.call('HGET', RECORD .. id, 'created_us')
if known then return {'queued', known, id} end -- the same submit, sent again after a lost reply

if idempotency ~= '' then
  local of = redis.call('HMGET', IDEMPOTENT .. idempotency, 'id', 'fingerprint')
  if of[1] and redis.call('EXISTS', RECORD .. of[1]) == 1 then
    if of[2] ~= fingerprint then return refuse('idempotency_conflict', now_us, of[1]) end
    return join(of[1])
  end
elseif ARGV[14] == '1' then
  for _, twin in ipairs(redis.call('ZREVRANGE', TWINS .. fingerprint, 0, -1)) do
    local of = redis.call('HMGET', RECORD .. twin, 'state', 'joined_by')
    -- Joined by this very call: its reply was lost, and it has been sent again.
    if lives(of[1]) and (of[2] == id or watched_until_ms(twin) <= now_ms) then return join(twin) end
  end
end

if redis.call('STRLEN', BODY .. id) ~= body_bytes then return {'body_missing', '0'} end
local wait_ms = over(requests, 'requests', 1)
if wait_ms then return refuse('requests_limited', wait_ms) end
wait_ms = over(tokens, 'tokens', 1)
if wait_ms then return refuse('tokens_limited', wait_ms) end
local at_once = streams > 0 and live() or 0
if streams > 0 and at_once >= streams then return refuse('streams_limited', digits(at_once)) end
local depth = redis.call('ZCARD', QUEUE .. lane)
if depth >= tonumber(ARGV[3]) then return refuse('queue_full_jobs', digits(depth)) end
local held_bytes = tonumber(redis.call('GET', QUEUED_BYTES .. lane) or '0')
if held_bytes + body_bytes > tonumber(ARGV[4]) then return refuse('queue_full_bytes', digits(held_bytes)) end
-- Nothing is refused behind this line.

-- Nor may anything fail: half a submit would be a job that nobody looks at.
local owned = members(OWNED .. owner)
local twins = members(TWINS .. fingerprint)
if tokens > 0 or streams > 0 then dropped(LIVE .. owner, 'zset') end

local attempt = next_attempt(0, now_ms)
local queue_until_ms = now_ms + tonumber(ARGV[6])
redis.call('HSET', RECORD .. id, 'state', 'queued', 'attempt', attempt, 'last', attempt .. '-0', 'claims', '0',
  'created_us', now_us, 'owner', owner, 'body_bytes', ARGV[2], 'queue_wait_ms', ARGV[6], 'lane', lane, 'fingerprint', fingerprint,
  'queue_until_ms', digits(queue_until_ms), 'hold_until_ms', digits(now_ms + tonumber(ARGV[7])), unpack(ARGV, 19))
redis.call('PEXPIRE', RECORD .. id, life_ms)
redis.call('SET', ARQ_JOB .. id, ARGV[8], 'PX', life_ms)

redis.call('ZADD', TWINS .. fingerprint, now_us, id)
if twins >= TWINS_MOST then redis.call('ZREMRANGEBYRANK', TWINS .. fingerprint, 0, -TWINS_MOST - 1) end
redis.call('PEXPIRE', TWINS .. fingerprint, life_ms)
if idempotency ~= '' then
  redis.call('HSET', RECORD .. id, 'idempotency', idempotency)
  redis.call('HSET', IDEMPOTENT .. idempotency, 'id', id, 'fingerprint', fingerprint)
  redis.call('PEXPIRE', IDEMPOTENT .. idempotency, life_ms)
end

if lane == '' then
  redis.call('ZADD', OWNED .. owner, now_us, id)
  if owned >= OWNED_MOST then redis.call('ZREMRANGEBYRANK', OWNED .. owner, 0, -OWNED_MOST - 1) end
  keep(OWNED .. owner, life_ms)
end
if requests > 0 then spend(owner, 'requests', now_us, requests, 1) end
if tokens > 0 or streams > 0 then
  redis.call('HSET', RECORD .. id, 'limited', owner, 'tokens_a_minute', ARGV[17], 'charged', digits(estimate))
  if tokens > 0 then spend(owner, 'tokens', now_us, tokens, estimate) end
  redis.call('ZADD', LIVE .. owner, now_us, id)
  keep(LIVE .. owner, life_ms)
end

local check_ms = queue_until_ms
if gateway ~= '' then
  local grace_ms = tonumber(given('grace_ms') or '0')
  watch(id, gateway, watch_ms, grace_ms, now_ms)
  check_ms = math.min(check_ms, now_ms + watch_ms + grace_ms)
end
enqueue(id, lane, now_us, ARGV[2], check_ms)
return {'queued', now_us, id}
