// See forward.h.
#pragma once

#include "forward.h"
