-- The roles of the database. Idempotent; run by an administrator before the migrations, which then run under
-- SET ROLE holdfast_owner. Passwords are set apart from this file (tools/migrate).
--
--   holdfast_owner       owns every table; nobody logs in as it. Row-level security is forced, so that it binds the owner too.
--   holdfast_app         what use-cases run as, inside one tenant (and perhaps one customer): row-level security decides.
--   holdfast_auth        finds the one account that signs in and the one session that a token names; nothing else.
--   holdfast_dispatcher  sees the job intents of all tenants, without their payloads, and the ids of tenants.
--   holdfast_service     logs in for the programs; NOINHERIT, so it may do nothing until a transaction takes one of the three roles.
--   holdfast_queue       logs in for BullMQ's Postgres backend; owns the schema bullmq and sees nothing else.

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['holdfast_owner', 'holdfast_app', 'holdfast_auth', 'holdfast_dispatcher'] LOOP
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', name);
    END IF;
  END LOOP;
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'holdfast_service') THEN
    CREATE ROLE holdfast_service LOGIN NOINHERIT;
  END IF;
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'holdfast_queue') THEN
    CREATE ROLE holdfast_queue LOGIN NOINHERIT;
  END IF;
  -- An administrator that is no superuser (managed Postgres) must be a member to SET ROLE and to give the schema away.
  IF NOT pg_has_role(current_user, 'holdfast_owner', 'MEMBER') THEN
    EXECUTE format('GRANT holdfast_owner, holdfast_queue TO %I', current_user);
  END IF;
END
$$;

GRANT holdfast_app, holdfast_auth, holdfast_dispatcher TO holdfast_service;

-- A transaction that its program forgot must not hold locks for ever, nor a statement run without end.
ALTER ROLE holdfast_service SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE holdfast_service SET statement_timeout = '120s';

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO holdfast_owner;
GRANT USAGE ON SCHEMA public TO holdfast_app, holdfast_auth, holdfast_dispatcher;

-- What belongs to no tenant: how the queues and the workers are.
CREATE SCHEMA IF NOT EXISTS service AUTHORIZATION holdfast_owner;
GRANT USAGE ON SCHEMA service TO holdfast_app, holdfast_dispatcher;

CREATE SCHEMA IF NOT EXISTS bullmq AUTHORIZATION holdfast_queue;
