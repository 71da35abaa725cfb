#include "cli/commands.hpp"

namespace jobrunner {

void add_all_commands(CommandTree& tree)
{
    add_init_command(tree);
    add_migrate_command(tree);
    add_config_command(tree);
    add_roles_command(tree);
    add_work_command(tree);
    add_enqueue_command(tree);
    add_list_command(tree);
    add_show_command(tree);
    add_explain_command(tree);
    add_logs_command(tree);
    add_wait_command(tree);
    add_action_commands(tree);
    add_edit_command(tree);
    add_dead_command(tree);
    add_queues_command(tree);
    add_limits_command(tree);
    add_schedules_command(tree);
    add_batches_command(tree);
    add_workers_command(tree);
    add_stats_command(tree);
    add_serve_command(tree);
    add_doctor_commands(tree);
    add_prune_command(tree);
    add_completion_command(tree);
}

} // namespace jobrunner
