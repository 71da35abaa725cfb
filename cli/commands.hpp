#pragma once

#include "cli/command_tree.hpp"

namespace jobrunner {

// Each adds one command, or one group of commands, with its options to the tree.
void add_init_command(CommandTree& tree);
void add_migrate_command(CommandTree& tree);
void add_roles_command(CommandTree& tree);
void add_work_command(CommandTree& tree);
void add_enqueue_command(CommandTree& tree);
void add_list_command(CommandTree& tree);
void add_show_command(CommandTree& tree);
void add_explain_command(CommandTree& tree);
void add_logs_command(CommandTree& tree);
void add_wait_command(CommandTree& tree);
void add_action_commands(CommandTree& tree); // cancel, retry, delete, reschedule
void add_edit_command(CommandTree& tree);
void add_queues_command(CommandTree& tree);
void add_limits_command(CommandTree& tree);
void add_schedules_command(CommandTree& tree);
void add_batches_command(CommandTree& tree);
void add_workers_command(CommandTree& tree);
void add_stats_command(CommandTree& tree);
void add_dead_command(CommandTree& tree);
void add_serve_command(CommandTree& tree);
void add_prune_command(CommandTree& tree);
void add_doctor_commands(CommandTree& tree); // doctor, verify
void add_config_command(CommandTree& tree);
void add_completion_command(CommandTree& tree);

// All of them, in the order in which help shows them.
void add_all_commands(CommandTree& tree);

} // namespace jobrunner
