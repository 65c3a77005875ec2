// Every function of cfaiss.h.
#include "lazy_functions.h"

LAZY_FUNCTION(cf_last_error)
LAZY_FUNCTION(cf_index_factory)
LAZY_FUNCTION(cf_index_read)
LAZY_FUNCTION(cf_index_write)
LAZY_FUNCTION(cf_index_free)
LAZY_FUNCTION(cf_index_train)
LAZY_FUNCTION(cf_index_add)
LAZY_FUNCTION(cf_index_search)
LAZY_FUNCTION(cf_index_set)
LAZY_FUNCTION(cf_index_ntotal)
LAZY_FUNCTION(cf_index_dimension)
LAZY_FUNCTION(cf_index_is_trained)
LAZY_FUNCTION(cf_index_metric)
LAZY_FUNCTION(cf_kmeans)
LAZY_FUNCTION(cf_inner_products)
LAZY_FUNCTION(cf_normalize)
LAZY_FUNCTION(cf_longest)
LAZY_FUNCTION(cf_at_least)
LAZY_FUNCTION(cf_kth_largest)
LAZY_FUNCTION(cf_similarities)
LAZY_END
