// Services for jobrunner, and jobs put into its tables in the caller's own transaction.
export { enqueue, enqueueMany } from './database.js';
export { Cancelled, StaleClaim, ValueError } from './errors.js';
export { Job } from './job.js';
export { Service } from './service.js';
