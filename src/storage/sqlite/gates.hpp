#pragma once

#include "storage/sqlite/connection.hpp"

namespace jobrunner::sqlite {

// Judges what up to `at_most` notes in gate_news name, and what follows from that: blocked jobs run, or are cancelled, and
// batches finish. Call within Connection::write(). Returns how many notes there were.
int judge_gates(Connection& connection, int at_most);

} // namespace jobrunner::sqlite
