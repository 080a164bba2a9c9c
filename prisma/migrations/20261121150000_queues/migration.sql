-- A queue for each kind of work, checkpoints, dead letters that can be sent again, and a watch over the queues.

-- The owner is bound by row-level security as well; for this one statement it must reach the rows of every tenant.
ALTER TABLE job_intent NO FORCE ROW LEVEL SECURITY;
UPDATE job_intent SET queue = CASE kind WHEN 'seal' THEN 'seal' WHEN 'rollup' THEN 'rollup' ELSE 'sweep' END
  WHERE queue = 'control';
ALTER TABLE job_intent FORCE ROW LEVEL SECURITY;

ALTER TABLE job_intent
  ADD COLUMN claimed_at TIMESTAMPTZ,
  ADD COLUMN checkpoint JSONB,
  ADD CONSTRAINT job_intent_checkpoint_check CHECK (octet_length(checkpoint::text) <= 16384);
GRANT UPDATE (claimed_at, checkpoint) ON job_intent TO holdfast_app;
GRANT SELECT (customer_id) ON job_intent TO holdfast_dispatcher;

-- Dead letters are kept for a month and then forgotten, as finished work is after days.
DROP POLICY dispatcher_forgets ON job_intent;
CREATE POLICY dispatcher_forgets ON job_intent AS PERMISSIVE FOR DELETE TO holdfast_dispatcher USING (state IN ('done', 'dead'));

-- The dispatcher jumps from one customer's first waiting intent to the next one's, however many lie between them. What
-- belongs to no customer (sweeps) stands under an id that nobody has.
DROP INDEX job_intent_open;
DROP INDEX job_intent_state_run_after_idx;
CREATE INDEX job_intent_waiting ON job_intent
  (queue, tenant_id, (coalesce(customer_id, '00000000-0000-0000-0000-000000000000'::uuid)), priority, run_after)
  WHERE state = 'waiting';
CREATE INDEX job_intent_in_hand ON job_intent (queue, tenant_id) WHERE state IN ('dispatched', 'running');
CREATE INDEX job_intent_ended ON job_intent (tenant_id, queue, finished_at) WHERE state IN ('done', 'dead');

-- A worker that has come to the end of a job has room for another one: the dispatcher does not wait for its next look.
CREATE TRIGGER job_intent_let_go AFTER UPDATE OF state ON job_intent
  FOR EACH ROW WHEN (OLD.state = 'running' AND NEW.state <> 'running') EXECUTE FUNCTION announce_job_intent();
CREATE TRIGGER job_intent_sent_again AFTER UPDATE OF state ON job_intent
  FOR EACH ROW WHEN (OLD.state = 'dead' AND NEW.state = 'waiting') EXECUTE FUNCTION announce_job_intent();

-- Told to the provider's people alone: a queue stands still.
CREATE TABLE "queue_alert" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "queue" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "opened_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "resolved_at" TIMESTAMPTZ,

    CONSTRAINT "queue_alert_pkey" PRIMARY KEY ("tenant_id","id")
);
ALTER TABLE "queue_alert" ADD CONSTRAINT "queue_alert_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;
CREATE UNIQUE INDEX queue_alert_one_open ON queue_alert (tenant_id, queue) WHERE resolved_at IS NULL;
SELECT protect_table('queue_alert', '{SELECT,INSERT,UPDATE}');

-- What the service knows of itself and what belongs to no tenant lies in a schema of its own (prisma/roles.sql), so that the
-- rule for `public` stays without an exception: everything in there has a tenant. No tenant's data may be put here.

-- An empty database of the schema engine, in which migrations are only tried, has no schema of ours.
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'service') THEN
    CREATE SCHEMA service;
  END IF;
END
$$;

-- One row a queue: a tiny job is sent through it each minute, and whoever works it off writes its number back.
CREATE TABLE service.queue_canary (
  queue text PRIMARY KEY,
  sent_number bigint NOT NULL DEFAULT 0,
  sent_at timestamptz,
  returned_number bigint NOT NULL DEFAULT 0,
  returned_at timestamptz,
  round_trip_ms integer,
  CHECK (returned_number <= sent_number)
);
-- One row a worker process and queue that it serves: renewed every few seconds, removed by an orderly end.
CREATE TABLE service.worker_lane (
  worker_id uuid NOT NULL,
  queue text NOT NULL,
  slots integer NOT NULL CHECK (slots > 0),
  busy integer NOT NULL CHECK (busy >= 0),
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (worker_id, queue)
);
GRANT SELECT ON service.queue_canary, service.worker_lane TO holdfast_app, holdfast_dispatcher;
GRANT INSERT, UPDATE, DELETE ON service.queue_canary, service.worker_lane TO holdfast_dispatcher;
