#pragma once

#include <string_view>

namespace jobrunner {

// Checks what an operator wants to change of a waiting job: an object of column and value. Throws Error{refused} where
// it is no JSON object, or names a column that cannot be edited; the values are the database's to judge.
void check_changes(std::string_view changes);

} // namespace jobrunner
