# frozen_string_literal: true

Gem::Specification.new do |gem|
  gem.name = "jobrunner-client"
  gem.version = "0.1.0"
  gem.summary = "Services for jobrunner, and jobs put into its tables in your own transaction"
  gem.authors = ["The jobrunner authors"]
  gem.license = "MIT"
  gem.required_ruby_version = ">= 2.7"
  gem.files = Dir["lib/**/*.rb"] + ["README.md"]
end
