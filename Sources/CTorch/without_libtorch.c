// What can be told while libtorch is not loaded.
#include <torch/headeronly/version.h>

#include "ckernels.h"
#include "ctorch.h"

const char *ct_compiled_version(void) { return TORCH_VERSION; }

bool ct_has_own_kernels(void) { return ck_available(); }

bool ct_has_own_attention(void) { return ck_available() && !ck_has_tiles(); }
