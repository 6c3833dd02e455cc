-- One page view: decides its session and leases a number for each target. All or nothing, one round trip.
--
-- KEYS  1 events   then for each target: pool, leases, address counter
-- ARGV  1 head, packed: now (ms), run id of this server, '1' when a session whose activity is not known here may go on,
--         '1' when the browser brought a session, that session, a fresh one (used when a new session begins), page,
--         page sequence number, most events that may wait for the recorder
--       2 about: what a call will need to know of this session, opaque   3 event: what the recorder will read, opaque
--       then for each target, packed: holding, hold (ms), a fresh nonce; and for a pool with regions the visitor's:
--         'p' (his first, then any) or 's' (his alone), and the region, '' for numbers that serve anywhere
-- Answers 'missing': a pool is not in this Redis; nothing was done. Place it and ask again.
--      or 'recorder_behind': too many events wait; nothing was done.
--      or {1 when the fresh session began, else 0, then for each target {outcome, number, nonce, lease began (ms),
--          beat (ms), wait (ms)}} with outcome
--         'new'           a lease began
--         'same'          the session's own lease goes on
--         'exhausted'     every number is protected; the next in `wait`
--         'no_region'     it may only be a number of this region, and there is none
--         'recovering'    the pool is not sure of its numbers; again in `wait`
--         'rate_limited'  the pool is short and this address holds many leases that never signalled; again in `wait`
-- Effects: record, score and holding of each number leased; a former holder among the past ones; one event, with
--          outcomes: '1' or '0' as answered, then for each target its letter (below), the number's length (1 byte)
--          and text, and '1' with start and last sign (6 bytes each, ms) of the lease that the new one ended, or
--          '0'. O(log N) a target.
local STRICT = 115 -- 's'
local LETTER = { new = 'n', same = 's', exhausted = 'e', no_region = 'o', recovering = 'r', rate_limited = 'l' }

-- Each of these adds to `visit.outcomes` what the recorder is told, and answers what the page is.
local function told(visit, outcome, number, former)
  local ended = former and struct.pack('>c1I6I6', '1', former[STARTED], former[SIGN]) or '0'
  visit.outcomes = visit.outcomes .. LETTER[outcome] .. string.char(#number) .. number .. ended
end

local function refused(visit, outcome, wait)
  told(visit, outcome, '')
  return { outcome, '', '', 0, 0, wait }
end

-- The set of a number's region, and the beat: where the region is shorter of numbers than the pool, the region's.
local function of_region(visit, want, number)
  if not want.regions then return nil, want.beat end
  local region = region_of(want.pool, want.leases, number)
  return region, region and math.min(want.beat, (slack(region, visit.now))) or want.beat
end

-- The number that is protected for the shortest time, and until when (ms): nil where there is none.
local function soonest(set)
  local number, score = unpack(redis.call('ZRANGE', set, 0, 0, 'WITHSCORES'))
  return number, tonumber(score)
end

local function choice(want, now)
  if want.place == '' or not want.regions then return soonest(want.pool) end
  local number, score = soonest(want.pool .. '@' .. want.place:sub(2))
  if want.place:byte() == STRICT or (number and score <= now) then return number, score end
  return soonest(want.pool)
end

-- `superseded`: of the visitor's own former session.
local function begin(visit, want, number, former, superseded)
  local now = visit.now
  local region, beat = of_region(visit, want, number)
  local ends = now + shown(beat, 0)
  local turn = former and (former[TURN] + 1) % PAST_KEPT or 0
  local r = {
    want.nonce, visit.session, want.holding, now, now, ends, 0, beat, 0, turn, 1, 0, page_entry(visit.page, visit.seq, OPEN),
    '', visit.about,
  }
  visit.given[number] = true
  if superseded then
    -- Pages of that session show the number for as long as they were told, and cannot say that they left it.
    local tapped = former[TAPPED] > 0 and former[TAPPED] + TAP_HOLD or 0
    r[BEAT] = math.max(beat, former[BEAT])
    r[UNTIL], r[PAGES], r[CALLS] = math.max(ends, former[UNTIL], tapped), former[PAGES], former[CALLS]
    page_says(r, visit.page, visit.seq, OPEN, true)
  end
  if former then
    former[PAGES], former[CALLS] = '', ''
    redis.call('HSET', want.leases, number, packed(r), want.holding, number, past(number, former), packed(former))
  else
    redis.call('HSET', want.leases, number, packed(r), want.holding, number)
  end
  protect(want.pool, region, number, superseded and protected_until(r) or ends)
  told(visit, 'new', number, former)
  return { 'new', number, want.nonce, now, beat, 0 }
end

local function go_on(visit, want)
  local held = want.held
  local region, beat = of_region(visit, want, want.number)
  held[SIGN], held[BEAT] = visit.now, math.max(held[BEAT], beat)
  held[SIGNALLED] = math.min(held[SIGNALLED], 1)
  page_says(held, visit.page, visit.seq, OPEN, true)
  held[UNTIL] = math.max(held[UNTIL], visit.now + shown(beat, held[SIGNALLED] == 1 and want.hold or 0))
  keep(want.pool, region, want.leases, want.number, held)
  told(visit, 'same', want.number)
  return { 'same', want.number, held[NONCE], held[STARTED], beat, 0 }
end

local function lease(visit, want)
  local now, held = visit.now, not visit.given[want.number] and want.held -- else another target has just been given it
  if held and held[SESSION] == visit.session then return go_on(visit, want) end
  if held then return begin(visit, want, want.number, held, true) end
  if want.recovering > 0 then return refused(visit, 'recovering', want.recovering - now) end
  local number, score = choice(want, now)
  if not number then return refused(visit, want.place == '' and 'exhausted' or 'no_region', BEAT_ROOMY) end
  if score > now then return refused(visit, 'exhausted', score - now) end
  local limit = limit_of_address(want.pool, want.size, now)
  if limit > 0 then
    local since, count = of_address(want.address, now)
    if count >= limit then return refused(visit, 'rate_limited', since + ADDRESS_WINDOW - now) end
    set_of_address(want.address, since, count + 1)
  end
  local former = unpacked(redis.call('HGET', want.leases, number))
  if former and former[HOLDING] ~= want.holding then redis.call('HDEL', want.leases, former[HOLDING]) end
  return begin(visit, want, number, former)
end

local function acquire(KEYS, ARGV)
  local now, run, may_go_on, has_session, brought, new_session, page, seq, backlog =
    struct.unpack('>I6c40c1c1c18c18c4I4I4', ARGV[1])
  local about, events = ARGV[2], KEYS[1]
  if has_session ~= '1' then brought = nil end

  -- First look, then act: nothing is written before every pool is known to be there.
  local wanted = {}
  local seen, active = false, false
  for i = 1, (#KEYS - 1) / 3 do
    local pool, leases = KEYS[3 * i - 1], KEYS[3 * i]
    local holding, hold, nonce, place = struct.unpack('>c16I4c9', ARGV[3 + i])
    local state, number = unpack(redis.call('HMGET', leases, 'state', holding))
    if not state then return 'missing' end
    local recovering, beat, size, regions, behind = pool_state(pool, leases, events, state, run, now, hold, backlog)
    if behind then return 'recorder_behind' end
    local want = {
      pool = pool, leases = leases, address = KEYS[3 * i + 1], holding = holding, hold = hold, nonce = nonce,
      recovering = recovering, beat = beat, size = size, regions = regions, place = ARGV[3 + i]:sub(place),
    }
    -- While recovering, a number that was free when the knowledge was lost may be somebody else's by now.
    if number and (recovering == 0 or tonumber(redis.call('ZSCORE', pool, number) or 0) > now) then
      local held = unpacked(redis.call('HGET', leases, number))
      want.number, want.held = number, held
      if held[SESSION] == brought then
        seen, active = true, active or now - held[SIGN] <= SESSION_IDLE
        about = held[ABOUT] -- a session's touch is how it came, not the page it is on now
      end
    end
    wanted[i] = want
  end
  if #wanted == 0 and redis.call('XLEN', events) >= backlog then return 'recorder_behind' end
  local fresh = not brought or (seen and not active) or (not seen and may_go_on ~= '1')
  if fresh then about = ARGV[2] end

  local visit = {
    now = now, session = fresh and new_session or brought, page = page, seq = seq, about = about,
    outcomes = fresh and '1' or '0', given = {},
  }
  local answer = { fresh and 1 or 0 }
  for i = 1, #wanted do answer[i + 1] = lease(visit, wanted[i]) end
  redis.call('XADD', events, '*', 'o', visit.outcomes, 'a', about, 'v', ARGV[3])
  return answer
end
