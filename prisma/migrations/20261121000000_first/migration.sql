-- The first migration: tables as Prisma makes them from schema.prisma (first part, unchanged, so that `migrate diff` stays
-- empty), then what Prisma has no words for: checks, partial indexes, row-level security, grants, the audit chain.
-- Runs under SET ROLE holdfast_owner; the roles come from prisma/roles.sql.

-- CreateTable
CREATE TABLE "tenant" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "wrapped_kek" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tenant_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "customer" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "timezone" TEXT NOT NULL DEFAULT 'UTC',
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "customer_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "app_user" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "email" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "password_hash" TEXT NOT NULL,
    "disabled_at" TIMESTAMPTZ,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "app_user_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "user_session" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "user_id" UUID NOT NULL,
    "token_hash" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_seen_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "revoked_at" TIMESTAMPTZ,

    CONSTRAINT "user_session_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "policy" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "version" INTEGER NOT NULL DEFAULT 1,
    "document" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "policy_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "enrolment_token" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "policy_id" UUID NOT NULL,
    "token_hash" TEXT NOT NULL,
    "label" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "used_at" TIMESTAMPTZ,
    "used_by_device_id" UUID,
    "created_by" UUID,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "enrolment_token_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "device" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "policy_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "hostname" TEXT NOT NULL,
    "os" TEXT NOT NULL,
    "arch" TEXT NOT NULL,
    "agent_version" TEXT NOT NULL,
    "public_key" TEXT NOT NULL,
    "enrolled_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "revoked_at" TIMESTAMPTZ,
    "suspected_clone_at" TIMESTAMPTZ,

    CONSTRAINT "device_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "device_state" (
    "tenant_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "last_seen_at" TIMESTAMPTZ,
    "sequence" BIGINT NOT NULL DEFAULT 0,
    "policy_version" INTEGER NOT NULL DEFAULT 0,
    "clock_offset_ms" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "device_state_pkey" PRIMARY KEY ("tenant_id","device_id")
);

-- CreateTable
CREATE TABLE "device_nonce" (
    "tenant_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "nonce" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "device_nonce_pkey" PRIMARY KEY ("tenant_id","device_id","nonce")
);

-- CreateTable
CREATE TABLE "source" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "source_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "vault" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "prefix" TEXT NOT NULL,
    "custody" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "repository_id" TEXT,
    "config_sha256" TEXT,
    "keys" JSONB NOT NULL DEFAULT '[]',
    "drill_password_sealed" BYTEA,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ready_at" TIMESTAMPTZ,

    CONSTRAINT "vault_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "expected_occurrence" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "due_at" TIMESTAMPTZ NOT NULL,
    "window_end" TIMESTAMPTZ NOT NULL,
    "outcome" TEXT,
    "resolved_at" TIMESTAMPTZ,
    "run_id" UUID,
    "reason" TEXT,

    CONSTRAINT "expected_occurrence_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "backup_run" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "vault_id" UUID NOT NULL,
    "occurrence_id" UUID,
    "command_id" UUID,
    "trigger" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "outcome" TEXT,
    "started_at" TIMESTAMPTZ NOT NULL,
    "last_progress_at" TIMESTAMPTZ NOT NULL,
    "committed_at" TIMESTAMPTZ,
    "finished_at" TIMESTAMPTZ,
    "progress" JSONB,
    "snapshot_id" TEXT,
    "selected_files" BIGINT NOT NULL DEFAULT 0,
    "selected_bytes" BIGINT NOT NULL DEFAULT 0,
    "stored_bytes" BIGINT NOT NULL DEFAULT 0,
    "unread_count" INTEGER NOT NULL DEFAULT 0,
    "unread_bytes" BIGINT NOT NULL DEFAULT 0,
    "unread" JSONB NOT NULL DEFAULT '[]',
    "error_code" TEXT,
    "error_message" TEXT,

    CONSTRAINT "backup_run_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "run_manifest" (
    "tenant_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "text" TEXT NOT NULL,
    "signature" TEXT NOT NULL,
    "received_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "run_manifest_pkey" PRIMARY KEY ("tenant_id","run_id")
);

-- CreateTable
CREATE TABLE "stored_object" (
    "tenant_id" UUID NOT NULL,
    "vault_id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "customer_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "crc32c" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "run_id" UUID,
    "lease_expires_at" TIMESTAMPTZ,
    "sealed_at" TIMESTAMPTZ,
    "verified_at" TIMESTAMPTZ,
    "problem" TEXT,

    CONSTRAINT "stored_object_pkey" PRIMARY KEY ("tenant_id","vault_id","key")
);

-- CreateTable
CREATE TABLE "restore_point" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "vault_id" UUID NOT NULL,
    "run_id" UUID NOT NULL,
    "snapshot_id" TEXT NOT NULL,
    "tree_id" TEXT NOT NULL,
    "capture_at" TIMESTAMPTZ NOT NULL,
    "committed_at" TIMESTAMPTZ NOT NULL,
    "sealed_at" TIMESTAMPTZ NOT NULL,
    "state" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "is_usable" BOOLEAN NOT NULL,
    "files" BIGINT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "stored_bytes" BIGINT NOT NULL,
    "pack_ids" TEXT[],
    "witness" JSONB NOT NULL,
    "level_passed" INTEGER,
    "verified_at" TIMESTAMPTZ,
    "drilled_at" TIMESTAMPTZ,
    "quarantine_reason" TEXT,

    CONSTRAINT "restore_point_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "verification" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "vault_id" UUID NOT NULL,
    "restore_point_id" UUID NOT NULL,
    "level" INTEGER NOT NULL,
    "state" TEXT NOT NULL,
    "objects_total" INTEGER NOT NULL DEFAULT 0,
    "objects_done" INTEGER NOT NULL DEFAULT 0,
    "bytes_total" BIGINT NOT NULL DEFAULT 0,
    "bytes_done" BIGINT NOT NULL DEFAULT 0,
    "findings" JSONB NOT NULL DEFAULT '[]',
    "started_at" TIMESTAMPTZ,
    "finished_at" TIMESTAMPTZ,
    "error_message" TEXT,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "verification_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "drill" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "vault_id" UUID NOT NULL,
    "restore_point_id" UUID NOT NULL,
    "level" INTEGER NOT NULL,
    "trigger" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "seed" TEXT NOT NULL,
    "steps" JSONB NOT NULL DEFAULT '[]',
    "files_planned" INTEGER NOT NULL DEFAULT 0,
    "files_done" INTEGER NOT NULL DEFAULT 0,
    "files_matched" INTEGER NOT NULL DEFAULT 0,
    "bytes_planned" BIGINT NOT NULL DEFAULT 0,
    "bytes_done" BIGINT NOT NULL DEFAULT 0,
    "mismatches" JSONB NOT NULL DEFAULT '[]',
    "timings" JSONB NOT NULL DEFAULT '{}',
    "evidence" JSONB,
    "requested_by" UUID,
    "started_at" TIMESTAMPTZ,
    "finished_at" TIMESTAMPTZ,
    "error_message" TEXT,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "drill_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "alert" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID,
    "kind" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "message" TEXT NOT NULL,
    "opened_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "resolved_at" TIMESTAMPTZ,

    CONSTRAINT "alert_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "agent_command" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "state" TEXT NOT NULL,
    "message" TEXT,
    "created_by" UUID,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "delivered_at" TIMESTAMPTZ,
    "finished_at" TIMESTAMPTZ,

    CONSTRAINT "agent_command_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "restore_grant" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "vault_id" UUID NOT NULL,
    "restore_point_id" UUID NOT NULL,
    "granted_by" UUID,
    "expires_at" TIMESTAMPTZ NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "restore_grant_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "folder_listing" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "restore_point_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "entries" JSONB NOT NULL DEFAULT '[]',
    "error_message" TEXT,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "folder_listing_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "download" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "restore_point_id" UUID NOT NULL,
    "path" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "file_name" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "object_key" TEXT,
    "size" BIGINT,
    "bytes_done" BIGINT NOT NULL DEFAULT 0,
    "requested_by" UUID NOT NULL,
    "error_message" TEXT,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "download_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "source_month" (
    "tenant_id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "month" TEXT NOT NULL,
    "customer_id" UUID NOT NULL,
    "device_id" UUID NOT NULL,
    "window_start" TIMESTAMPTZ NOT NULL,
    "window_end" TIMESTAMPTZ NOT NULL,
    "window_seconds" BIGINT NOT NULL,
    "violation_seconds" BIGINT NOT NULL,
    "rpo_seconds" BIGINT NOT NULL,
    "peak_exposure_seconds" BIGINT,
    "peak_exposure_at" TIMESTAMPTZ,
    "restore_points" INTEGER NOT NULL,
    "expected" INTEGER NOT NULL,
    "ok" INTEGER NOT NULL,
    "late" INTEGER NOT NULL,
    "partial" INTEGER NOT NULL,
    "failed" INTEGER NOT NULL,
    "missed" INTEGER NOT NULL,
    "excused" INTEGER NOT NULL,
    "drills_passed" INTEGER NOT NULL,
    "drills_failed" INTEGER NOT NULL,
    "drills_void" INTEGER NOT NULL,
    "computed_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "source_month_pkey" PRIMARY KEY ("tenant_id","source_id","month")
);

-- CreateTable
CREATE TABLE "job_intent" (
    "tenant_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "customer_id" UUID,
    "kind" TEXT NOT NULL,
    "queue" TEXT NOT NULL,
    "dedupe_key" TEXT,
    "payload" JSONB NOT NULL,
    "priority" INTEGER NOT NULL DEFAULT 10,
    "state" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL DEFAULT 0,
    "crashes" INTEGER NOT NULL DEFAULT 0,
    "dispatches" INTEGER NOT NULL DEFAULT 0,
    "fence" INTEGER NOT NULL DEFAULT 0,
    "run_after" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "dispatched_at" TIMESTAMPTZ,
    "lease_until" TIMESTAMPTZ,
    "created_at" TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ,
    "error" TEXT,

    CONSTRAINT "job_intent_pkey" PRIMARY KEY ("tenant_id","id")
);

-- CreateTable
CREATE TABLE "audit_event" (
    "tenant_id" UUID NOT NULL,
    "sequence" BIGINT NOT NULL,
    "customer_id" UUID,
    "at" TIMESTAMPTZ NOT NULL,
    "actor_kind" TEXT NOT NULL,
    "actor_id" UUID,
    "action" TEXT NOT NULL,
    "subject_kind" TEXT NOT NULL,
    "subject_id" UUID,
    "data" JSONB NOT NULL,
    "previous_hash" TEXT NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "audit_event_pkey" PRIMARY KEY ("tenant_id","sequence")
);

-- CreateTable
CREATE TABLE "audit_head" (
    "tenant_id" UUID NOT NULL,
    "sequence" BIGINT NOT NULL,
    "hash" TEXT NOT NULL,

    CONSTRAINT "audit_head_pkey" PRIMARY KEY ("tenant_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "tenant_slug_key" ON "tenant"("slug");

-- CreateIndex
CREATE UNIQUE INDEX "app_user_email_key" ON "app_user"("email");

-- CreateIndex
CREATE UNIQUE INDEX "user_session_token_hash_key" ON "user_session"("token_hash");

-- CreateIndex
CREATE UNIQUE INDEX "policy_tenant_id_customer_id_id_key" ON "policy"("tenant_id", "customer_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "enrolment_token_token_hash_key" ON "enrolment_token"("token_hash");

-- CreateIndex
CREATE UNIQUE INDEX "device_tenant_id_customer_id_id_key" ON "device"("tenant_id", "customer_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "device_state_tenant_id_customer_id_device_id_key" ON "device_state"("tenant_id", "customer_id", "device_id");

-- CreateIndex
CREATE UNIQUE INDEX "source_tenant_id_customer_id_id_key" ON "source"("tenant_id", "customer_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "vault_tenant_id_customer_id_id_key" ON "vault"("tenant_id", "customer_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "vault_tenant_id_device_id_key" ON "vault"("tenant_id", "device_id");

-- CreateIndex
CREATE UNIQUE INDEX "vault_tenant_id_customer_id_device_id_key" ON "vault"("tenant_id", "customer_id", "device_id");

-- CreateIndex
CREATE INDEX "expected_occurrence_tenant_id_outcome_window_end_idx" ON "expected_occurrence"("tenant_id", "outcome", "window_end");

-- CreateIndex
CREATE UNIQUE INDEX "expected_occurrence_tenant_id_customer_id_id_key" ON "expected_occurrence"("tenant_id", "customer_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "expected_occurrence_tenant_id_source_id_due_at_key" ON "expected_occurrence"("tenant_id", "source_id", "due_at");

-- CreateIndex
CREATE INDEX "backup_run_tenant_id_device_id_started_at_idx" ON "backup_run"("tenant_id", "device_id", "started_at");

-- CreateIndex
CREATE UNIQUE INDEX "backup_run_tenant_id_customer_id_id_key" ON "backup_run"("tenant_id", "customer_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "run_manifest_tenant_id_customer_id_run_id_key" ON "run_manifest"("tenant_id", "customer_id", "run_id");

-- CreateIndex
CREATE INDEX "stored_object_tenant_id_vault_id_state_idx" ON "stored_object"("tenant_id", "vault_id", "state");

-- CreateIndex
CREATE INDEX "restore_point_tenant_id_source_id_capture_at_idx" ON "restore_point"("tenant_id", "source_id", "capture_at");

-- CreateIndex
CREATE UNIQUE INDEX "restore_point_tenant_id_customer_id_id_key" ON "restore_point"("tenant_id", "customer_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "restore_point_tenant_id_vault_id_snapshot_id_key" ON "restore_point"("tenant_id", "vault_id", "snapshot_id");

-- CreateIndex
CREATE INDEX "verification_tenant_id_device_id_created_at_idx" ON "verification"("tenant_id", "device_id", "created_at");

-- CreateIndex
CREATE INDEX "drill_tenant_id_device_id_created_at_idx" ON "drill"("tenant_id", "device_id", "created_at");

-- CreateIndex
CREATE INDEX "alert_tenant_id_resolved_at_idx" ON "alert"("tenant_id", "resolved_at");

-- CreateIndex
CREATE INDEX "agent_command_tenant_id_device_id_state_idx" ON "agent_command"("tenant_id", "device_id", "state");

-- CreateIndex
CREATE UNIQUE INDEX "agent_command_tenant_id_customer_id_id_key" ON "agent_command"("tenant_id", "customer_id", "id");

-- CreateIndex
CREATE UNIQUE INDEX "folder_listing_tenant_id_restore_point_id_path_key" ON "folder_listing"("tenant_id", "restore_point_id", "path");

-- CreateIndex
CREATE INDEX "job_intent_state_run_after_idx" ON "job_intent"("state", "run_after");

-- AddForeignKey
ALTER TABLE "customer" ADD CONSTRAINT "customer_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "app_user" ADD CONSTRAINT "app_user_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "app_user" ADD CONSTRAINT "app_user_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "user_session" ADD CONSTRAINT "user_session_tenant_id_user_id_fkey" FOREIGN KEY ("tenant_id", "user_id") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "policy" ADD CONSTRAINT "policy_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "enrolment_token" ADD CONSTRAINT "enrolment_token_tenant_id_customer_id_policy_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "policy_id") REFERENCES "policy"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "enrolment_token" ADD CONSTRAINT "enrolment_token_tenant_id_customer_id_used_by_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "used_by_device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "enrolment_token" ADD CONSTRAINT "enrolment_token_tenant_id_created_by_fkey" FOREIGN KEY ("tenant_id", "created_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "device" ADD CONSTRAINT "device_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "device" ADD CONSTRAINT "device_tenant_id_customer_id_policy_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "policy_id") REFERENCES "policy"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "device_state" ADD CONSTRAINT "device_state_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "device_nonce" ADD CONSTRAINT "device_nonce_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "source" ADD CONSTRAINT "source_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "vault" ADD CONSTRAINT "vault_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "expected_occurrence" ADD CONSTRAINT "expected_occurrence_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "expected_occurrence" ADD CONSTRAINT "expected_occurrence_tenant_id_customer_id_source_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "source_id") REFERENCES "source"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "expected_occurrence" ADD CONSTRAINT "expected_occurrence_tenant_id_customer_id_run_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "run_id") REFERENCES "backup_run"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "backup_run" ADD CONSTRAINT "backup_run_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "backup_run" ADD CONSTRAINT "backup_run_tenant_id_customer_id_source_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "source_id") REFERENCES "source"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "backup_run" ADD CONSTRAINT "backup_run_tenant_id_customer_id_vault_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "vault_id") REFERENCES "vault"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "backup_run" ADD CONSTRAINT "backup_run_tenant_id_customer_id_occurrence_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "occurrence_id") REFERENCES "expected_occurrence"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "backup_run" ADD CONSTRAINT "backup_run_tenant_id_customer_id_command_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "command_id") REFERENCES "agent_command"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "run_manifest" ADD CONSTRAINT "run_manifest_tenant_id_customer_id_run_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "run_id") REFERENCES "backup_run"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "stored_object" ADD CONSTRAINT "stored_object_tenant_id_customer_id_vault_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "vault_id") REFERENCES "vault"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "stored_object" ADD CONSTRAINT "stored_object_tenant_id_customer_id_run_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "run_id") REFERENCES "backup_run"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "restore_point" ADD CONSTRAINT "restore_point_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "restore_point" ADD CONSTRAINT "restore_point_tenant_id_customer_id_source_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "source_id") REFERENCES "source"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "restore_point" ADD CONSTRAINT "restore_point_tenant_id_customer_id_vault_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "vault_id") REFERENCES "vault"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "restore_point" ADD CONSTRAINT "restore_point_tenant_id_customer_id_run_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "run_id") REFERENCES "backup_run"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "verification" ADD CONSTRAINT "verification_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "verification" ADD CONSTRAINT "verification_tenant_id_customer_id_vault_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "vault_id") REFERENCES "vault"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "verification" ADD CONSTRAINT "verification_tenant_id_customer_id_restore_point_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "restore_point_id") REFERENCES "restore_point"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "drill" ADD CONSTRAINT "drill_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "drill" ADD CONSTRAINT "drill_tenant_id_customer_id_source_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "source_id") REFERENCES "source"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "drill" ADD CONSTRAINT "drill_tenant_id_customer_id_vault_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "vault_id") REFERENCES "vault"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "drill" ADD CONSTRAINT "drill_tenant_id_customer_id_restore_point_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "restore_point_id") REFERENCES "restore_point"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "drill" ADD CONSTRAINT "drill_tenant_id_requested_by_fkey" FOREIGN KEY ("tenant_id", "requested_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "alert" ADD CONSTRAINT "alert_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "alert" ADD CONSTRAINT "alert_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "agent_command" ADD CONSTRAINT "agent_command_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "agent_command" ADD CONSTRAINT "agent_command_tenant_id_created_by_fkey" FOREIGN KEY ("tenant_id", "created_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "restore_grant" ADD CONSTRAINT "restore_grant_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "restore_grant" ADD CONSTRAINT "restore_grant_tenant_id_customer_id_vault_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "vault_id") REFERENCES "vault"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "restore_grant" ADD CONSTRAINT "restore_grant_tenant_id_customer_id_restore_point_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "restore_point_id") REFERENCES "restore_point"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "restore_grant" ADD CONSTRAINT "restore_grant_tenant_id_granted_by_fkey" FOREIGN KEY ("tenant_id", "granted_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "folder_listing" ADD CONSTRAINT "folder_listing_tenant_id_customer_id_restore_point_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "restore_point_id") REFERENCES "restore_point"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "download" ADD CONSTRAINT "download_tenant_id_customer_id_restore_point_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "restore_point_id") REFERENCES "restore_point"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "download" ADD CONSTRAINT "download_tenant_id_requested_by_fkey" FOREIGN KEY ("tenant_id", "requested_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "source_month" ADD CONSTRAINT "source_month_tenant_id_customer_id_device_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "device_id") REFERENCES "device"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "source_month" ADD CONSTRAINT "source_month_tenant_id_customer_id_source_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "source_id") REFERENCES "source"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "job_intent" ADD CONSTRAINT "job_intent_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "job_intent" ADD CONSTRAINT "job_intent_tenant_id_customer_id_fkey" FOREIGN KEY ("tenant_id", "customer_id") REFERENCES "customer"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "audit_event" ADD CONSTRAINT "audit_event_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "audit_head" ADD CONSTRAINT "audit_head_tenant_id_fkey" FOREIGN KEY ("tenant_id") REFERENCES "tenant"("id") ON DELETE RESTRICT ON UPDATE RESTRICT;



-- Checks: the closed words of core/domain/outcome.ts and the shapes that no bug may store otherwise ------------------------

ALTER TABLE app_user
  ADD CONSTRAINT app_user_role_check CHECK (role IN ('owner', 'technician', 'customer_viewer')),
  ADD CONSTRAINT app_user_customer_check CHECK ((role = 'customer_viewer') = (customer_id IS NOT NULL)),
  ADD CONSTRAINT app_user_email_check CHECK (email = lower(email) AND email LIKE '%_@_%');
ALTER TABLE user_session ADD CONSTRAINT user_session_token_check CHECK (token_hash ~ '^[0-9a-f]{64}$');
ALTER TABLE enrolment_token
  ADD CONSTRAINT enrolment_token_hash_check CHECK (token_hash ~ '^[0-9a-f]{64}$'),
  ADD CONSTRAINT enrolment_token_used_check CHECK ((used_at IS NULL) = (used_by_device_id IS NULL));
ALTER TABLE source ADD CONSTRAINT source_kind_check CHECK (kind IN ('files'));
ALTER TABLE vault
  ADD CONSTRAINT vault_custody_check CHECK (custody IN ('escrowed', 'customer_held')),
  ADD CONSTRAINT vault_state_check CHECK (state IN ('new', 'ready', 'quarantined')),
  ADD CONSTRAINT vault_drill_check CHECK (custody = 'escrowed' OR drill_password_sealed IS NULL),
  ADD CONSTRAINT vault_ready_check CHECK (state <> 'ready' OR (repository_id IS NOT NULL AND config_sha256 IS NOT NULL)),
  -- A vault can lie nowhere but in its tenant's part of the store.
  ADD CONSTRAINT vault_prefix_check CHECK (prefix = 'v/' || tenant_id || '/' || id);
ALTER TABLE expected_occurrence
  ADD CONSTRAINT expected_occurrence_outcome_check
    CHECK (outcome IN ('ok', 'late', 'partial', 'failed', 'missed', 'excused', 'stuck')),
  ADD CONSTRAINT expected_occurrence_window_check CHECK (window_end > due_at);
ALTER TABLE backup_run
  ADD CONSTRAINT backup_run_state_check CHECK (state IN ('running', 'committed', 'sealed', 'failed', 'aborted')),
  ADD CONSTRAINT backup_run_outcome_check CHECK (outcome IN ('ok', 'partial', 'failed')),
  ADD CONSTRAINT backup_run_trigger_check CHECK (trigger IN ('schedule', 'command', 'manual')),
  -- Only a sealed run is ever ok or partial: no light can be green on an unsealed one.
  ADD CONSTRAINT backup_run_sealed_check CHECK ((state = 'sealed') = (outcome IS NOT NULL AND outcome IN ('ok', 'partial'))),
  ADD CONSTRAINT backup_run_snapshot_check CHECK (snapshot_id ~ '^[0-9a-f]{64}$');
ALTER TABLE stored_object
  ADD CONSTRAINT stored_object_kind_check CHECK (kind IN ('data_pack', 'tree_pack', 'index', 'snapshot', 'key', 'config')),
  ADD CONSTRAINT stored_object_state_check CHECK (state IN ('leased', 'committed', 'sealed', 'damaged', 'missing')),
  ADD CONSTRAINT stored_object_key_check
    CHECK (key ~ '^(config|(keys|index|snapshots)/[0-9a-f]{64}|data/[0-9a-f]{2}/[0-9a-f]{64})$'),
  ADD CONSTRAINT stored_object_size_check CHECK (size >= 0),
  ADD CONSTRAINT stored_object_sealed_check CHECK (state <> 'sealed' OR sealed_at IS NOT NULL);
ALTER TABLE restore_point
  ADD CONSTRAINT restore_point_state_check CHECK (state IN ('sealed', 'quarantined', 'expired')),
  ADD CONSTRAINT restore_point_outcome_check CHECK (outcome IN ('ok', 'partial')),
  ADD CONSTRAINT restore_point_usable_check CHECK (state = 'sealed' OR NOT is_usable),
  ADD CONSTRAINT restore_point_quarantine_check CHECK (state <> 'quarantined' OR quarantine_reason IS NOT NULL),
  ADD CONSTRAINT restore_point_level_check CHECK (level_passed IN (1, 2, 3, 4, 5)),
  ADD CONSTRAINT restore_point_snapshot_check CHECK (snapshot_id ~ '^[0-9a-f]{64}$' AND tree_id ~ '^[0-9a-f]{64}$');
ALTER TABLE verification
  ADD CONSTRAINT verification_state_check CHECK (state IN ('queued', 'running', 'passed', 'failed', 'void')),
  ADD CONSTRAINT verification_level_check CHECK (level IN (1, 2));
ALTER TABLE drill
  ADD CONSTRAINT drill_state_check CHECK (state IN ('queued', 'running', 'passed', 'failed', 'void')),
  ADD CONSTRAINT drill_level_check CHECK (level IN (2, 3, 4, 5)),
  ADD CONSTRAINT drill_trigger_check CHECK (trigger IN ('after_seal', 'schedule', 'manual')),
  -- A drill that compared nothing, or found a difference, has not passed.
  ADD CONSTRAINT drill_passed_check CHECK (state <> 'passed' OR (files_matched > 0 AND mismatches = '[]'::jsonb));
ALTER TABLE alert
  ADD CONSTRAINT alert_kind_check CHECK (kind IN ('damage', 'run_failed', 'missed', 'drill_failed', 'silent', 'clone'));
ALTER TABLE agent_command
  ADD CONSTRAINT agent_command_kind_check CHECK (kind IN ('backup_now', 'restore')),
  ADD CONSTRAINT agent_command_state_check CHECK (state IN ('pending', 'delivered', 'done', 'failed', 'expired'));
ALTER TABLE folder_listing
  ADD CONSTRAINT folder_listing_state_check CHECK (state IN ('queued', 'ready', 'failed'));
ALTER TABLE download
  ADD CONSTRAINT download_kind_check CHECK (kind IN ('file', 'zip')),
  ADD CONSTRAINT download_state_check CHECK (state IN ('queued', 'running', 'ready', 'failed', 'expired')),
  ADD CONSTRAINT download_key_check CHECK (object_key = 'downloads/' || tenant_id || '/' || id);
ALTER TABLE source_month
  ADD CONSTRAINT source_month_month_check CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
  ADD CONSTRAINT source_month_window_check
    CHECK (window_seconds >= 0 AND violation_seconds >= 0 AND violation_seconds <= window_seconds);
ALTER TABLE job_intent
  ADD CONSTRAINT job_intent_state_check CHECK (state IN ('waiting', 'dispatched', 'running', 'done', 'dead')),
  ADD CONSTRAINT job_intent_lease_check CHECK (state <> 'running' OR lease_until IS NOT NULL);
ALTER TABLE audit_event
  -- The chain's text joins these with line breaks, so none may hold one (see audit_append).
  ADD CONSTRAINT audit_event_words_check
    CHECK (action ~ '^[a-z_]+(\.[a-z_]+)+$' AND actor_kind IN ('user', 'device', 'worker', 'system') AND subject_kind ~ '^[a-z_]+$'),
  ADD CONSTRAINT audit_event_hash_check CHECK (hash ~ '^[0-9a-f]{64}$' AND previous_hash ~ '^[0-9a-f]{64}$');

-- Partial indexes and storage ------------------------------------------------------------------------------------------

-- One waiting intent a key. A running one does not count: what it misses has to be done again by the next.
CREATE UNIQUE INDEX job_intent_one_waiting ON job_intent (tenant_id, kind, dedupe_key)
  WHERE dedupe_key IS NOT NULL AND state IN ('waiting', 'dispatched');
CREATE INDEX job_intent_open ON job_intent (queue, state, tenant_id) WHERE state IN ('waiting', 'dispatched', 'running');
CREATE UNIQUE INDEX alert_one_open ON alert (tenant_id, customer_id, device_id, kind) NULLS NOT DISTINCT
  WHERE resolved_at IS NULL;
-- Two runs of one source never write at once: the newer aborts the older (server/runs/start-run.ts).
CREATE UNIQUE INDEX backup_run_one_running ON backup_run (tenant_id, source_id) WHERE state = 'running';

-- A heartbeat rewrites one narrow row; room in the page and no index on what changes make that a heap-only update.
ALTER TABLE device_state SET (fillfactor = 50);
ALTER TABLE job_intent SET (fillfactor = 70);

-- Row-level security ---------------------------------------------------------------------------------------------------

/*
 * Puts a table behind the walls; a later migration that adds a table calls it too (a test fails when it does not).
 * RESTRICTIVE policies are ANDed, so no later permissive one can open them. The settings are read in sub-selects, which
 * Postgres runs once a query and not once a row. Deny by default: no tenant set is '' or null, and equals nothing; the
 * customer must be set to an id, or to the word every.
 * UPDATE is granted by column, without the primary key and the customer: a row can never change hands.
 */
CREATE FUNCTION protect_table(target regclass, privileges text[]) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  tenant_column text := CASE WHEN target = 'public.tenant'::regclass THEN 'id' ELSE 'tenant_id' END;
  customer_column text := CASE WHEN target = 'public.customer'::regclass THEN 'id' ELSE 'customer_id' END;
  has_customer boolean := EXISTS (
    SELECT 1 FROM pg_attribute WHERE attrelid = target AND attname = customer_column AND NOT attisdropped)
    AND target <> 'public.tenant'::regclass;
  changeable text;
  privilege text;
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  EXECUTE format(
    $policy$CREATE POLICY tenant_wall ON %s AS RESTRICTIVE TO holdfast_app, holdfast_owner
      USING (%I = (SELECT nullif(current_setting('app.tenant_id', true), '')::uuid))$policy$,
    target, tenant_column);
  IF has_customer THEN
    EXECUTE format(
      $policy$CREATE POLICY customer_wall ON %s AS RESTRICTIVE TO holdfast_app
        USING ((SELECT current_setting('app.customer_id', true)) = 'every'
          OR %I = (SELECT nullif(nullif(current_setting('app.customer_id', true), ''), 'every')::uuid))$policy$,
      target, customer_column);
  END IF;
  EXECUTE format('CREATE POLICY app_access ON %s AS PERMISSIVE TO holdfast_app USING (true) WITH CHECK (true)', target);
  FOREACH privilege IN ARRAY privileges LOOP
    IF privilege = 'UPDATE' THEN
      SELECT string_agg(quote_ident(a.attname), ', ') INTO changeable
        FROM pg_attribute a
        WHERE a.attrelid = target AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> 'customer_id'
          AND NOT EXISTS (
            SELECT 1 FROM pg_index i WHERE i.indrelid = target AND i.indisprimary AND a.attnum = ANY (i.indkey));
      EXECUTE format('GRANT UPDATE (%s) ON %s TO holdfast_app', changeable, target);
    ELSE
      EXECUTE format('GRANT %s ON %s TO holdfast_app', privilege, target);
    END IF;
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION protect_table(regclass, text[]) FROM PUBLIC;

SELECT protect_table('tenant', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('customer', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('app_user', '{INSERT,UPDATE}');
SELECT protect_table('user_session', '{}');
SELECT protect_table('policy', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('enrolment_token', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('device', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('device_state', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('device_nonce', '{SELECT,INSERT,DELETE}');
SELECT protect_table('source', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('vault', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('expected_occurrence', '{SELECT,INSERT,UPDATE,DELETE}');
SELECT protect_table('backup_run', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('run_manifest', '{SELECT,INSERT}');
SELECT protect_table('stored_object', '{SELECT,INSERT,UPDATE,DELETE}');
SELECT protect_table('restore_point', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('verification', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('drill', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('alert', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('agent_command', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('restore_grant', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('folder_listing', '{SELECT,INSERT,UPDATE,DELETE}');
SELECT protect_table('download', '{SELECT,INSERT,UPDATE,DELETE}');
SELECT protect_table('source_month', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('job_intent', '{SELECT,INSERT,UPDATE}');
SELECT protect_table('audit_event', '{SELECT}');
SELECT protect_table('audit_head', '{SELECT}');

-- No use-case ever reads a password hash: signing in has a role of its own.
GRANT SELECT (tenant_id, id, customer_id, email, name, role, disabled_at, created_at) ON app_user TO holdfast_app;

-- Signing in: exactly the account with the e-mail address that was typed, exactly the session that the token names, and the
-- account of that session.
GRANT SELECT ON app_user, user_session TO holdfast_auth;
GRANT INSERT ON user_session TO holdfast_auth;
GRANT UPDATE (last_seen_at, expires_at, revoked_at) ON user_session TO holdfast_auth;
CREATE POLICY auth_by_token ON user_session AS PERMISSIVE TO holdfast_auth
  USING (token_hash = (SELECT nullif(current_setting('app.auth_token_hash', true), '')));
CREATE POLICY auth_by_email ON app_user AS PERMISSIVE FOR SELECT TO holdfast_auth
  USING (email = (SELECT nullif(current_setting('app.auth_email', true), '')));
CREATE POLICY auth_by_session ON app_user AS PERMISSIVE FOR SELECT TO holdfast_auth
  USING (EXISTS (SELECT 1 FROM user_session s WHERE s.tenant_id = app_user.tenant_id AND s.user_id = app_user.id));

-- The dispatcher: what is to be done for whom, never the payload.
GRANT SELECT (id) ON tenant TO holdfast_dispatcher;
CREATE POLICY dispatcher_reads ON tenant AS PERMISSIVE FOR SELECT TO holdfast_dispatcher USING (true);
GRANT SELECT (tenant_id, id, kind, queue, dedupe_key, priority, state, attempt, crashes, dispatches, run_after,
  dispatched_at, lease_until, created_at, finished_at) ON job_intent TO holdfast_dispatcher;
GRANT UPDATE (state, attempt, crashes, dispatches, run_after, dispatched_at, lease_until, finished_at, error)
  ON job_intent TO holdfast_dispatcher;
GRANT DELETE ON job_intent TO holdfast_dispatcher;
CREATE POLICY dispatcher_reads ON job_intent AS PERMISSIVE FOR SELECT TO holdfast_dispatcher USING (true);
CREATE POLICY dispatcher_moves ON job_intent AS PERMISSIVE FOR UPDATE TO holdfast_dispatcher USING (true) WITH CHECK (true);
CREATE POLICY dispatcher_forgets ON job_intent AS PERMISSIVE FOR DELETE TO holdfast_dispatcher USING (state = 'done');

-- Work is announced when it becomes runnable; the dispatcher polls too, so a lost announcement costs half a second.
CREATE FUNCTION announce_job_intent() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  PERFORM pg_notify('job_intent', NEW.queue);
  RETURN NULL;
END
$$;
CREATE TRIGGER job_intent_inserted AFTER INSERT ON job_intent
  FOR EACH ROW WHEN (NEW.state = 'waiting') EXECUTE FUNCTION announce_job_intent();

-- The audit chain ------------------------------------------------------------------------------------------------------

-- The writer below runs as the owner, whom the forced row-level security binds as well: it may write, in its tenant alone.
CREATE POLICY chain_writer ON audit_event AS PERMISSIVE TO holdfast_owner USING (true) WITH CHECK (true);
CREATE POLICY chain_writer ON audit_head AS PERMISSIVE TO holdfast_owner USING (true) WITH CHECK (true);

/*
 * The only way to write an audit row. Tenant and customer come from the settings of the transaction, not from the caller.
 * The row lock on the tenant's head orders the writers; the hash covers every column, so that an edit, a deletion, an
 * insertion and a reordering all break the chain. server/audit/verify-audit-chain.ts builds the same text.
 */
CREATE FUNCTION audit_append(
  p_customer_id uuid, p_actor_kind text, p_actor_id uuid, p_action text, p_subject_kind text, p_subject_id uuid, p_data jsonb
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  v_tenant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
  v_scope text := coalesce(current_setting('app.customer_id', true), '');
  v_customer uuid := coalesce(p_customer_id, CASE WHEN v_scope IN ('', 'every') THEN NULL ELSE v_scope::uuid END);
  v_at timestamptz := clock_timestamp();
  v_sequence bigint;
  v_previous text;
  v_hash text;
BEGIN
  IF v_tenant IS NULL THEN
    RAISE EXCEPTION 'an audit event needs a tenant' USING ERRCODE = 'insufficient_privilege';
  END IF;
  IF v_scope NOT IN ('', 'every') AND v_customer IS DISTINCT FROM v_scope::uuid THEN
    RAISE EXCEPTION 'an audit event of another customer' USING ERRCODE = 'insufficient_privilege';
  END IF;
  INSERT INTO public.audit_head (tenant_id, sequence, hash) VALUES (v_tenant, 0, repeat('0', 64)) ON CONFLICT DO NOTHING;
  SELECT sequence + 1, hash INTO STRICT v_sequence, v_previous
    FROM public.audit_head WHERE tenant_id = v_tenant FOR UPDATE;
  v_hash := encode(sha256(convert_to(concat_ws(E'\n',
    'holdfast-audit-v1', v_tenant::text, v_sequence::text,
    to_char(v_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    coalesce(v_customer::text, ''), p_actor_kind, coalesce(p_actor_id::text, ''), p_action,
    p_subject_kind, coalesce(p_subject_id::text, ''), v_previous, p_data::text), 'UTF8')), 'hex');
  INSERT INTO public.audit_event (tenant_id, sequence, customer_id, at, actor_kind, actor_id, action, subject_kind, subject_id,
      data, previous_hash, hash)
    VALUES (v_tenant, v_sequence, v_customer, v_at, p_actor_kind, p_actor_id, p_action, p_subject_kind, p_subject_id,
      p_data, v_previous, v_hash);
  UPDATE public.audit_head SET sequence = v_sequence, hash = v_hash WHERE tenant_id = v_tenant;
  RETURN v_sequence;
END
$$;
REVOKE ALL ON FUNCTION audit_append(uuid, text, uuid, text, text, uuid, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_append(uuid, text, uuid, text, text, uuid, jsonb) TO holdfast_app, holdfast_auth;
