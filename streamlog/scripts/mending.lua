-- What somebody else has written where ours should stand. Redis ends a script that meets it with an error, in the middle,
-- so one such job would hinder all that share a script with it. Made of parts, like `common`, and stands after it.

local SERVER_FAILS = {'OOM', 'MISCONF', 'READONLY', 'NOREPLICAS', 'NOPERM', 'ACL failure', "can't run this command"}
local NOT_OURS = '-inf' -- as its time in CHECKS: the sweep ends this job, whatever else its record says

-- Whether it went well, and what it answered. Only for what can fail because of one job: a server that is full fails the
-- script, as anywhere.
local function attempted(act, ...)
  local well, answer = pcall(act, ...)
  if well then return true, answer end
  local told = type(answer) == 'table' and answer.err or tostring(answer)
  for _, word in ipairs(SERVER_FAILS) do
    if string.find(told, word, 1, true) then error(answer, 0) end
  end
  return false
end

local function is_id(id) return #id == 26 and string.find(id, '^job_[%w_-]+$') ~= nil end

local function is_figure(text) return not text or (#text <= 16 and string.find(text, '^%d+$') ~= nil) end

-- Out of everything that is read together with other jobs.
local function set_apart(id)
  redis.call('ZREM', LEASES, id)
  redis.call('ZREM', CHECKS, id)
  for _, lane in ipairs(LANES) do redis.call('ZREM', QUEUE .. lane, id) end
end

-- For the next sweep, from a script that has no time for it.
local function leave_to_the_sweep(id)
  set_apart(id)
  if is_id(id) then redis.call('ZADD', CHECKS, NOT_OURS, id) end
end

-- Whether the key held something else than ours, which is then gone.
local function dropped(key, kind)
  local found = redis.call('TYPE', key)
  found = found.ok or found
  if found == 'none' or found == kind then return false end
  redis.call('UNLINK', key)
  return true
end

-- How many a set has; 0 where something else stood, which is then gone.
local function members(key)
  local count = redis.pcall('ZCARD', key)
  if type(count) == 'number' then return count end
  dropped(key, 'zset')
  return 0
end

local function mend_owner(owner)
  dropped(OWNED .. owner, 'zset')
  dropped(LIVE .. owner, 'zset')
  if dropped(BUDGET .. owner, 'hash') then return end
  for _, full_us in ipairs(redis.call('HVALS', BUDGET .. owner)) do
    if not is_figure(full_us) then redis.call('UNLINK', BUDGET .. owner) end
  end
end

local function mend_ways(fingerprint, idempotency)
  if fingerprint then dropped(TWINS .. fingerprint, 'zset') end
  if idempotency then dropped(IDEMPOTENT .. idempotency, 'hash') end
end

-- All but its record, which a caller has just read.
local function mend_job(id)
  dropped(LOG .. id, 'stream')
  dropped(WATCH .. id, 'hash')
  dropped(BODY .. id, 'string')
  dropped(ARQ_JOB .. id, 'string')
  local of = redis.call('HMGET', RECORD .. id, 'fingerprint', 'idempotency', 'limited')
  mend_ways(of[1], of[2])
  if of[3] then mend_owner(of[3]) end
end

-- Leases that are gone tell no more which worker is gone, too. Each running job gets one: whoever runs it renews it within
-- that time, the others run out. The only look at all keys, if Redis lets us: for what only somebody else brings about.
local LEASES_LOST_MS = 5000
local function mend_leases(now_ms)
  if not dropped(LEASES, 'zset') then return false end
  local found = {'0', {}}
  repeat
    found = redis.pcall('SCAN', found[1], 'MATCH', RECORD .. '*', 'COUNT', 1000)
    for _, key in ipairs(found[2] or {}) do
      if redis.pcall('HGET', key, 'state') == 'running' then
        redis.call('ZADD', LEASES, digits(now_ms + LEASES_LOST_MS), string.sub(key, #RECORD + 1))
      end
    end
  until found.err or found[1] == '0'
  return true
end

-- What all jobs share. Who waited in a queue that is gone, or in none, is looked at by this sweep or the next.
local function mend_fleet(worker, now_ms)
  local queue_lost = false
  for _, lane in ipairs(LANES) do
    queue_lost = dropped(QUEUE .. lane, 'zset') or queue_lost
    dropped(BELL .. lane, 'list')
    dropped(QUEUED_BYTES .. lane, 'string')
    local held_bytes = redis.call('GET', QUEUED_BYTES .. lane)
    if held_bytes and (not is_figure(held_bytes) or redis.call('ZCARD', QUEUE .. lane) == 0) then
      redis.call('DEL', QUEUED_BYTES .. lane)
    end
  end
  mend_leases(now_ms)
  dropped(WORKERS, 'zset')
  dropped(NUDGES .. worker, 'list')
  local lost_checks = dropped(CHECKS, 'zset')
  for _, lane in ipairs(lost_checks and LANES or {}) do
    for _, id in ipairs(redis.call('ZRANGE', QUEUE .. lane, 0, -1)) do redis.call('ZADD', CHECKS, '0', id) end
  end
  for _, id in ipairs(queue_lost and redis.call('ZRANGE', CHECKS, 0, -1) or {}) do redis.call('ZADD', CHECKS, '0', id) end
end

-- End a job that is not as ours are: by name. Whoever follows it is told, even if nothing of it could be kept.
-- Answers as `end_by_name`; nil if there is nothing to end.
local function discard(id)
  set_apart(id)
  if not is_id(id) or redis.call('EXISTS', RECORD .. id) == 0 then return nil end
  dropped(RECORD .. id, 'hash')
  mend_job(id)
  for _, name in ipairs({'attempt', 'created_us', 'retention_ms', 'charged', 'used', 'tokens_a_minute'}) do
    if not is_figure(redis.call('HGET', RECORD .. id, name)) then redis.call('HDEL', RECORD .. id, name) end
  end
  local state = redis.call('HGET', RECORD .. id, 'state')
  if state == 'done' or state == 'failed' or state == 'cancelled' then return nil end
  for _, spoiled in ipairs({WATCH, LOG, RECORD}) do
    redis.call('UNLINK', spoiled .. id)
    local well, ended = attempted(end_by_name, id, 'failed', 'stream_lost')
    if well then return ended end
  end
end
