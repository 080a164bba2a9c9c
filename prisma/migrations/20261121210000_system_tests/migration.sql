-- What a drill of level 5 does with a source: which image is started, what shows that it came up, a script of the owner's; and
-- the pictures of screens that such drills keep.

-- CreateTable
CREATE TABLE "system_test" (
    "tenant_id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "customer_id" UUID NOT NULL,
    "document" JSONB NOT NULL,
    "password_sealed" BYTEA,
    "version" INTEGER NOT NULL,
    "changed_by" UUID NOT NULL,
    "changed_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "system_test_pkey" PRIMARY KEY ("tenant_id","source_id")
);

-- CreateTable
CREATE TABLE "drill_picture" (
    "tenant_id" UUID NOT NULL,
    "drill_id" UUID NOT NULL,
    "sha256" TEXT NOT NULL,
    "customer_id" UUID NOT NULL,
    "width" INTEGER NOT NULL,
    "height" INTEGER NOT NULL,
    "png" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ NOT NULL,

    CONSTRAINT "drill_picture_pkey" PRIMARY KEY ("tenant_id","drill_id","sha256")
);

-- AddForeignKey
ALTER TABLE "system_test" ADD CONSTRAINT "system_test_tenant_id_customer_id_source_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "source_id") REFERENCES "source"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "system_test" ADD CONSTRAINT "system_test_tenant_id_changed_by_fkey" FOREIGN KEY ("tenant_id", "changed_by") REFERENCES "app_user"("tenant_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- AddForeignKey
ALTER TABLE "drill_picture" ADD CONSTRAINT "drill_picture_tenant_id_customer_id_drill_id_fkey" FOREIGN KEY ("tenant_id", "customer_id", "drill_id") REFERENCES "drill"("tenant_id", "customer_id", "id") ON DELETE RESTRICT ON UPDATE RESTRICT;

-- Checks ---------------------------------------------------------------------------------------------------------------

ALTER TABLE system_test ADD CONSTRAINT system_test_version_check CHECK (version > 0);
ALTER TABLE drill_picture
  ADD CONSTRAINT drill_picture_side_check CHECK (width > 0 AND height > 0),
  -- A row is what its name says: a record of evidence points at it by this hash.
  ADD CONSTRAINT drill_picture_sha256_check CHECK (sha256 = encode(sha256(png), 'hex')),
  ADD CONSTRAINT drill_picture_png_check CHECK (octet_length(png) <= 4 * 1024 * 1024);

-- Walls ----------------------------------------------------------------------------------------------------------------

SELECT protect_table('system_test', '{SELECT,INSERT}');
GRANT UPDATE (document, password_sealed, version, changed_by, changed_at) ON system_test TO holdfast_app;
-- Evidence is added, never changed.
SELECT protect_table('drill_picture', '{SELECT,INSERT}');
