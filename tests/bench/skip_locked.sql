-- A pool of numbers as a table. Beside what Redis keeps of a lease there are no regions, no pages of a session, no
-- protection by calls and no limits of an address: less work than ours.

-- Each lease writes its row anew: there is room for it on the page.
CREATE TABLE number (
  pool text NOT NULL,
  number text NOT NULL,
  protected_until_ms bigint NOT NULL DEFAULT 0,
  holding bytea,
  nonce bytea,
  session bytea,
  started_ms bigint,
  sign_ms bigint,
  about bytea,
  PRIMARY KEY (pool, number)
) WITH (fillfactor = 60);
CREATE INDEX number_free ON number (pool, protected_until_ms);
CREATE UNIQUE INDEX number_held ON number (pool, holding);

-- What a recorder would read, and, for a call, who held a number before.
CREATE TABLE event (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  number text,
  outcome text NOT NULL,
  session bytea NOT NULL,
  nonce bytea,
  ended_started_ms bigint,
  ended_sign_ms bigint,
  about bytea NOT NULL,
  view bytea NOT NULL
);
CREATE INDEX event_number ON event (number, id);

-- A page view in one round trip: what `Statements` (skip_locked.py) does in five or six.
CREATE FUNCTION lease(
  now_ms bigint, a_pool text, a_holding bytea, beat_ms int, fresh_nonce bytea,
  brought bytea, fresh_session bytea, may_go_on boolean, an_about bytea, a_view bytea
) RETURNS record LANGUAGE plpgsql AS $$
DECLARE
  held number%ROWTYPE;
  fresh boolean;
  outcome text := 'new';
  now_session bytea;
BEGIN
  SELECT * INTO held FROM number WHERE pool = a_pool AND holding = a_holding FOR UPDATE;
  fresh := CASE
    WHEN brought IS NULL THEN true
    WHEN held.session = brought THEN now_ms - held.sign_ms > 1800000
    ELSE NOT may_go_on
  END;
  now_session := CASE WHEN fresh THEN fresh_session ELSE brought END;
  IF held.session = now_session THEN
    outcome := 'same';
    UPDATE number
      SET sign_ms = now_ms, protected_until_ms = greatest(protected_until_ms, now_ms + beat_ms * 3 / 2)
      WHERE pool = a_pool AND number = held.number;
    INSERT INTO event (number, outcome, session, nonce, about, view)
      VALUES (held.number, outcome, now_session, held.nonce, held.about, a_view);
    RETURN (fresh, outcome, held.number, held.nonce, held.started_ms);
  END IF;
  IF held.number IS NULL THEN
    SELECT * INTO held FROM number
      WHERE pool = a_pool AND protected_until_ms <= now_ms
      ORDER BY protected_until_ms LIMIT 1 FOR UPDATE SKIP LOCKED;
  END IF;
  IF held.number IS NULL THEN
    outcome := 'exhausted';
    fresh_nonce := NULL;
  ELSE
    UPDATE number
      SET holding = a_holding, nonce = fresh_nonce, session = now_session, started_ms = now_ms, sign_ms = now_ms,
        about = an_about, protected_until_ms = now_ms + beat_ms * 3 / 2
      WHERE pool = a_pool AND number = held.number;
  END IF;
  INSERT INTO event (number, outcome, session, nonce, ended_started_ms, ended_sign_ms, about, view)
    VALUES (held.number, outcome, now_session, fresh_nonce, held.started_ms, held.sign_ms, an_about, a_view);
  RETURN (fresh, outcome, held.number, fresh_nonce, now_ms);
END $$;
