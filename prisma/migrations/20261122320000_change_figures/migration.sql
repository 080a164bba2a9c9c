-- What an agent saw of the files while it backed them up, for the signals of unusual growth.
ALTER TABLE "restore_point"
  ADD COLUMN "former_files" BIGINT,
  ADD COLUMN "changed_files" BIGINT,
  ADD COLUMN "gone_files" BIGINT,
  ADD COLUMN "file_read_bytes" BIGINT,
  ADD COLUMN "file_new_bytes" BIGINT,
  ADD COLUMN "file_stored_bytes" BIGINT,
  ADD COLUMN "entropy_bits" DOUBLE PRECISION;

-- Not valid: the rows that are there have none of the figures, and there are many of them.
ALTER TABLE "restore_point" ADD CONSTRAINT "restore_point_changes" CHECK (
  num_nulls("former_files", "changed_files", "gone_files") IN (0, 3)
  AND num_nulls("file_read_bytes", "file_new_bytes", "file_stored_bytes") IN (0, 3)
  AND ("file_read_bytes" IS NOT NULL OR ("former_files" IS NULL AND "entropy_bits" IS NULL))
  AND coalesce("changed_files" >= 0 AND "gone_files" >= 0 AND "changed_files" + "gone_files" <= "former_files", true)
  AND coalesce("file_new_bytes" >= 0 AND "file_stored_bytes" >= 0 AND "file_new_bytes" <= "file_read_bytes", true)
  AND coalesce("entropy_bits" BETWEEN 0 AND 8, true)) NOT VALID;
