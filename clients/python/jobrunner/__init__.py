"""Services for jobrunner, and jobs put into its tables in the caller's own transaction."""
from .database import enqueue, enqueue_many
from .errors import Cancelled, StaleClaim
from .job import Job
from .service import Service

__all__ = ["Cancelled", "Job", "Service", "StaleClaim", "enqueue", "enqueue_many"]
