# frozen_string_literal: true

# Services for jobrunner, and jobs put into its tables in the caller's own transaction.
module Jobrunner
end

require_relative "jobrunner/errors"
require_relative "jobrunner/columns"
require_relative "jobrunner/database"
require_relative "jobrunner/channel"
require_relative "jobrunner/job"
require_relative "jobrunner/service"
