-- One page view: decides its session and leases a number for each target. All or nothing, one round trip.
--
-- KEYS  1 holdings   2 events   then for each target: pool, state, leases
-- ARGV  1 now (ms)   2 run id of this server   3 the session that the browser brought, '' for none
--       4 a fresh session id, used when a new session begins
--       5 '1': a session whose activity is not known here may go on   6 visitor   7 tag
--       8 page id   9 page sequence number   10 touch (JSON, at most 512 bytes)   11 event (opaque to us)
--       12 key of past holders, without the number   13 most events that may wait for the recorder
--       then for each target: target, hold (ms), a fresh nonce
-- Answers {'missing'}: a pool is not in this Redis; nothing was done. Place it and ask again.
--      or {'recorder_behind'}: too many events wait; nothing was done.
--      or {session, then for each target {outcome, number, nonce, lease began (ms), beat (ms), wait (ms)}} with outcome
--         'new'         a lease began
--         'same'        the session's own lease goes on
--         'exhausted'   every number is protected; the next in `wait`
--         'recovering'  the pool is not sure of its numbers; again in `wait`
-- Effects: record, score and holding of each number leased; past holder and event 'ended' of each number taken; one
--          event 'visit'. O(log N) a target.
local now, run = tonumber(ARGV[1]), ARGV[2]
local session, visitor, tag = ARGV[3], ARGV[6], ARGV[7]
local page, seq, touch = ARGV[8], tonumber(ARGV[9]), ARGV[10]
local holdings, events = KEYS[1], KEYS[2]

-- First look, then act: nothing is written before every pool is known to be there.
local wanted = {}
local seen, active, first_touch = false, false, nil
for i = 1, (#KEYS - 2) / 3 do
  local want = {
    pool = KEYS[3 * i], state = KEYS[3 * i + 1], leases = KEYS[3 * i + 2],
    target = ARGV[11 + 3 * i], hold = tonumber(ARGV[12 + 3 * i]), nonce = ARGV[13 + 3 * i],
  }
  local is = pool_state(want.pool, want.state, events, run, now, want.hold, tonumber(ARGV[13]))
  if not is then return { 'missing' } end
  if is.behind then return { 'recorder_behind' } end
  want.recovering, want.beat = is.recovering, is.beat
  want.field = tag .. '|' .. want.target .. '|' .. visitor
  local number = redis.call('HGET', holdings, want.field)
  local score = number and redis.call('ZSCORE', want.pool, number)
  local held = score and record(want.leases, number)
  -- While recovering, a number that was free when the knowledge was lost may be somebody else's by now.
  if held and held[VISITOR] == visitor and (want.recovering == 0 or tonumber(score) > now) then
    want.number, want.held = number, held
    if held[SESSION] == session then
      seen, active = true, active or now - held[SIGN] <= SESSION_IDLE
      first_touch = held[TOUCH]
    end
  end
  wanted[i] = want
end
if #wanted == 0 and redis.call('XLEN', events) >= tonumber(ARGV[13]) then return { 'recorder_behind' } end
if session == '' or (seen and not active) or (not seen and ARGV[5] ~= '1') then session = ARGV[4] end
-- A session's touch is how it came, not the page it is on now.
if session == ARGV[3] and first_touch and first_touch ~= '' then touch = first_touch end

local answer, outcomes = { session }, {}

local function begin(want, number, calls)
  local beat = want.beat
  local r = { want.nonce, session, visitor, tag, want.target, now, now, beat, 0, 0, now + 1.5 * beat, touch, {}, calls }
  page_says(r, page, seq, OPEN)
  keep(want.pool, want.leases, number, r)
  redis.call('HSET', holdings, want.field, number)
  return { 'new', number, want.nonce, now, beat, 0 }
end

local function lease(want)
  local held = want.held
  if held and held[SESSION] == session then
    held[BEAT], held[SIGN] = want.beat, now
    page_says(held, page, seq, OPEN)
    local hold = held[SIGNALLED] == 1 and want.hold or 0
    held[UNTIL] = math.max(held[UNTIL], now + shown(held[BEAT], hold))
    keep(want.pool, want.leases, want.number, held)
    return { 'same', want.number, held[NONCE], held[STARTED], held[BEAT], 0 }
  end
  if held then
    local calls = held[CALLS]
    dismiss(ARGV[12] .. want.number, events, want.number, held, now)
    return begin(want, want.number, calls)
  end
  if want.recovering > 0 then return { 'recovering', '', '', 0, 0, want.recovering - now } end
  local first = redis.call('ZRANGE', want.pool, 0, 0, 'WITHSCORES')
  if #first == 0 then return { 'exhausted', '', '', 0, 0, BEAT_ROOMY } end
  local number, score = first[1], tonumber(first[2])
  if score > now then return { 'exhausted', '', '', 0, 0, score - now } end
  local former = record(want.leases, number)
  if former then
    redis.call('HDEL', holdings, former[TAG] .. '|' .. former[TARGET] .. '|' .. former[VISITOR])
    dismiss(ARGV[12] .. number, events, number, former, now)
  end
  return begin(want, number, {})
end

for i, want in ipairs(wanted) do
  local got = lease(want)
  answer[i + 1] = got
  outcomes[i] = { want.target, want.pool, got[1], got[2], got[3], got[4] }
end
redis.call('XADD', events, '*', 'k', 'visit', 't', now, 's', session, 'b', ARGV[11], 'o', cmsgpack.pack(outcomes))
return answer
