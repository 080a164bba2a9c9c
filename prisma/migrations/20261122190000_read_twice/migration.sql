-- Objects that were wrong when they were read first and right the second time: no damage, but somebody should know.
ALTER TABLE "verification" ADD COLUMN "read_twice" INTEGER NOT NULL DEFAULT 0;
GRANT UPDATE (read_twice) ON verification TO holdfast_app;
CREATE INDEX "verification_read_twice" ON "verification"("tenant_id", "finished_at") WHERE read_twice > 0;
