/** Of a throw-away server: nothing survives a crash, and nothing has to. */
export const POSTGRES_SETTINGS = [
  ...['listen_addresses=', 'fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off'],
  ...['wal_level=minimal', 'max_wal_senders=0', 'max_wal_size=1GB', 'checkpoint_timeout=1h', 'archive_mode=off'],
  ...['shared_buffers=128MB', 'maintenance_work_mem=256MB', 'max_connections=16', 'jit=off', 'bgwriter_lru_maxpages=0'],
  ...['log_min_messages=error', 'max_parallel_maintenance_workers=1'],
];
