-- The page Drills reads by state and time over every device of a provider, and for each source the newest pass of a level.

-- CreateIndex
CREATE INDEX "drill_tenant_id_state_created_at_idx" ON "drill"("tenant_id", "state", "created_at");

-- A level that was never reached is answered without reading the passes of the others.
CREATE INDEX drill_passed ON drill (tenant_id, source_id, level, created_at DESC) WHERE state = 'passed';
