-- Shared by all scripts: the clock, the ways in and out of the queue, and the one way to end a job.
-- Key names (QUEUE, RECORD, ...) and the texts of named endings (TOLD) stand above this, made by Python. Each script gets
-- the parts that it uses; an empty line ends a part, and a part uses only what stands before it.

local BELL_MOST = 64
local TWINS_MOST = 64
local MINUTE_US = 60000000
local DEBT_MOST_US = 86400000000

-- Redis time: milliseconds as a number, microseconds as digits (a Lua number would print as 1.7e+15).
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000), t[1] .. string.format('%06d', t[2])
end

local function digits(n) return string.format('%.0f', n) end

local function lives(state) return state == 'queued' or state == 'running' end

-- A key of many jobs lives as long as the longest of them.
local function keep(key, ms)
  redis.call('PEXPIRE', key, math.max(redis.call('PTTL', key), math.ceil(ms), 1))
end

-- What is spent of a budget that fills evenly, once a minute: kept as the time at which it is full again.
local function spent(full_us, now_us, per_minute)
  return math.max((tonumber(full_us) or 0) - tonumber(now_us), 0) * per_minute / MINUTE_US
end

-- Debts beyond a day are forgiven. What was charged too much comes back as a negative amount.
local function spend(owner, budget, now_us, per_minute, amount)
  local full_us = math.max(tonumber(redis.call('HGET', BUDGET .. owner, budget)) or 0, tonumber(now_us))
  full_us = math.min(full_us + amount * MINUTE_US / per_minute, tonumber(now_us) + DEBT_MOST_US)
  redis.call('HSET', BUDGET .. owner, budget, digits(full_us))
  keep(BUDGET .. owner, (full_us - tonumber(now_us)) / 1000)
end

local function ring(lane)
  if redis.call('LLEN', BELL .. lane) < BELL_MOST then redis.call('LPUSH', BELL .. lane, '1') end
end

-- Never used twice, even by a Redis that lost its tail: it rises with time.
local function next_attempt(previous, now_ms)
  return digits(math.max((tonumber(previous) or 0) + 1, now_ms))
end

local function enqueue(id, lane, created_us, body_bytes, check_ms)
  redis.call('ZADD', QUEUE .. lane, created_us, id)
  redis.call('ZADD', CHECKS, digits(check_ms), id)
  redis.call('INCRBY', QUEUED_BYTES .. lane, body_bytes or 0)
  ring(lane)
end

-- Jobs with so many bytes of bodies leave a queue, or one, of which its record tells. What is empty holds no bytes, and
-- wakes nobody.
local function leave_lane(lane, bytes, ...)
  if redis.call('ZREM', QUEUE .. lane, ...) == 0 then return end
  if redis.call('ZCARD', QUEUE .. lane) == 0 then
    redis.call('DEL', QUEUED_BYTES .. lane, BELL .. lane)
  else
    redis.call('DECRBY', QUEUED_BYTES .. lane, bytes or redis.call('HGET', RECORD .. (...), 'body_bytes') or 0)
  end
end

local function dequeue(id)
  redis.call('ZREM', CHECKS, id)
  for _, lane in ipairs(LANES) do leave_lane(lane, nil, id) end
end

-- A gateway's word that it watches a job, for so long.
local function watch(id, gateway, watch_ms, grace_ms, now_ms)
  redis.call('HSET', WATCH .. id, gateway, digits(now_ms + watch_ms))
  redis.call('PEXPIRE', WATCH .. id, watch_ms + (tonumber(grace_ms) or 0) + 60000)
end

-- Until when some gateway's word holds; 0 if nobody has given one.
local function watched_until_ms(id)
  local latest = 0
  for _, until_ms in ipairs(redis.call('HVALS', WATCH .. id)) do latest = math.max(latest, tonumber(until_ms) or 0) end
  return latest
end

-- The last moment at which anybody listened to an attached job.
local function last_seen_ms(id, left_ms, created_us)
  return math.max(tonumber(left_ms) or 0, math.floor((tonumber(created_us) or 0) / 1000), watched_until_ms(id))
end

-- Store a chunk and publish the same bytes: the only place that writes to a log. One field: each costs Valkey time.
local function store(id, position, chunk)
  redis.call('XADD', LOG .. id, position, 'c', chunk)
  redis.call('PUBLISH', CHANNEL .. id, chunk)
end

-- A chunk of which more is told than where its frames stand: an answer's first and last. Answers its position.
local function store_told(id, attempt, first, last, mark, now_us, head, data)
  local position = attempt .. '-' .. last
  local line = table.concat({attempt, first, last, mark == '' and '-' or mark, now_us, #head}, ' ')
  store(id, position, line .. '\n' .. head .. data)
  return position
end

-- Why a chunk may not be written; nil if it may, 'repeated' if an earlier try got through. One comparison with the
-- predecessor is fence, dedupe, ending and hole check.
local function refusal(id, before, position)
  local of = redis.call('HMGET', RECORD .. id, 'state', 'last', 'attempt')
  if not of[1] then return 'gone' end
  if of[2] == position then return 'repeated' end
  if of[1] ~= 'running' and of[1] ~= 'queued' then return 'ended' end
  if of[2] == before then return nil end
  local attempt = tonumber(string.match(position, '^%d+'))
  if (tonumber(of[3]) or 0) > attempt then return 'stale' end
  return 'lost' -- nobody came after us, yet our frames are not there: Redis lost its tail
end

-- The log lives as long as its record; set once, with its first frame.
local function log_expires_with_record(id)
  redis.call('PEXPIRE', LOG .. id, math.max(redis.call('PTTL', RECORD .. id), 1))
end

-- An ended job is found no more: nobody can join it, unless its answer is there and an idempotency key stands for it.
local function hide(id, fingerprint, idempotency, answered, retention_ms)
  if fingerprint then redis.call('ZREM', TWINS .. fingerprint, id) end
  if not idempotency or redis.call('HGET', IDEMPOTENT .. idempotency, 'id') ~= id then return end
  if answered then
    redis.call('PEXPIRE', IDEMPOTENT .. idempotency, retention_ms)
  else
    redis.call('DEL', IDEMPOTENT .. idempotency)
  end
end

-- Pay for an ended job, of an owner with limits, what its call has used: as it told, and else what it is known to have
-- used, a frame counted as a token.
local function settle(id, owner, now_us)
  redis.call('ZREM', LIVE .. owner, id)
  local of = redis.call('HMGET', RECORD .. id, 'tokens_a_minute', 'charged', 'used', 'used_final', 'last')
  local per_minute = tonumber(of[1]) or 0
  if per_minute <= 0 then return end
  local used = tonumber(of[3]) or 0
  if not of[4] then used = used + (tonumber(string.match(of[5] or '', '-(%d+)$')) or 0) end
  spend(owner, 'tokens', now_us, per_minute, used - (tonumber(of[2]) or 0))
end

-- In its owner's list of conversations, the newest 10,000 of them: what could not be found again is not kept.
local function list_conversation(owner, conversation, now_us, life_ms)
  redis.call('ZADD', CONVERSATIONS .. owner, now_us, conversation)
  for _, oldest in ipairs(redis.call('ZRANGE', CONVERSATIONS .. owner, 0, -10001)) do
    redis.call('UNLINK', CONVERSATION .. oldest)
    redis.call('ZREM', CONVERSATIONS .. owner, oldest)
  end
  keep(CONVERSATIONS .. owner, life_ms)
end

-- The ending of a job is the end of its turn: its conversation lives from now on, and as long as the answer's log. One
-- that is gone is not born again, and one that is not as ours are must not keep a job from ending.
local function end_turn(conversation, now_us, life_ms)
  local owner = redis.pcall('HGET', CONVERSATION .. conversation, 'owner')
  if type(owner) ~= 'string' then return end
  redis.call('HSET', CONVERSATION .. conversation, 'updated_us', now_us)
  redis.call('PEXPIRE', CONVERSATION .. conversation, life_ms)
  redis.pcall('ZADD', CONVERSATIONS .. owner, 'XX', now_us, conversation)
end

-- Take an ended job out of everything that could start it again, and shorten the life of what remains.
-- Answers what its caller announces: model and duration in microseconds.
local function finish(id, state, position, code, now_us)
  if redis.call('ZREM', CHECKS, id) == 1 then dequeue(id) end -- one that runs is in no queue
  redis.call('ZREM', LEASES, id)
  redis.call('UNLINK', ARQ_JOB .. id, ARQ_PROGRESS .. id, ARQ_RETRY .. id, WATCH .. id, BODY .. id)
  local of = redis.call('HMGET', RECORD .. id, 'retention_ms', 'model', 'created_us', 'fingerprint', 'idempotency',
    'content_us', 'limited', 'conversation')
  if of[7] then settle(id, of[7], now_us) end
  redis.call('HSET', RECORD .. id, 'state', state, 'last', position, 'ended_us', now_us, 'code', code)
  local retention_ms = tonumber(of[1]) or 60000
  hide(id, of[4], of[5], state == 'done' or of[6], retention_ms)
  redis.call('PEXPIRE', RECORD .. id, retention_ms)
  redis.call('PEXPIRE', LOG .. id, retention_ms)
  if of[8] then end_turn(of[8], now_us, retention_ms) end
  return {of[2] or '', digits(tonumber(now_us) - (tonumber(of[3]) or now_us))}
end

-- End a job from outside its writer: frame 1 of a new attempt, so that the writer's next append is refused.
local function end_by_name(id, state, code)
  redis.call('ZREM', LEASES, id) -- first: a full Redis refuses a script only until its first write that frees memory
  local now_ms, now_us = clock()
  local of = redis.call('HMGET', RECORD .. id, 'attempt', 'request_id')
  local attempt = next_attempt(of[1], now_ms)
  local line = 'id: ' .. id .. ':' .. attempt .. '-1\n'
  local data = line .. 'event: error\ndata: ' .. TOLD[code] .. (of[2] or '') .. '"}\n\n'
  redis.call('HSET', RECORD .. id, 'attempt', attempt)
  local position = store_told(id, attempt, '1', '1', state, now_us, '', data)
  local told = finish(id, state, position, code, now_us)
  return {id, state, code, told[1], told[2]}
end

-- Tell the worker that runs a job to ask what is still its own.
local function nudge(worker)
  local nudges = NUDGES .. worker
  if redis.call('LLEN', nudges) == 0 then redis.call('LPUSH', nudges, '1') end
  redis.call('PEXPIRE', nudges, 60000)
end

-- Back to the queue, unseen by its client: only for a job without content.
local function requeue(id, now_ms)
  local of = redis.call('HMGET', RECORD .. id, 'attempt', 'created_us', 'body_bytes', 'queue_wait_ms', 'lane')
  local attempt = next_attempt(of[1], now_ms)
  redis.call('HSET', RECORD .. id, 'state', 'queued', 'attempt', attempt, 'last', attempt .. '-0',
    'queue_until_ms', digits(now_ms + (tonumber(of[4]) or 0)))
  redis.call('ZREM', LEASES, id)
  enqueue(id, of[5] or '', of[2] or '0', of[3], now_ms)
end
