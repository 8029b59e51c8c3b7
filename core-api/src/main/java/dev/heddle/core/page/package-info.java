/**
 * Page tables: which physical pages hold a request's keys and values, in order.
 *
 * <p>The compressed (CSR) form is {@code kv_indptr [batch + 1]}, {@code kv_indices [pages]}, {@code
 * kv_last_page_len [batch]}, as in FlashInfer; the dense form is a block table {@code [batch, max_pages]}, as in
 * vLLM. Each converts to the other. A table is checked once, when it is made, and never changes after.
 */
@NullMarked
package dev.heddle.core.page;

import org.jspecify.annotations.NullMarked;
