/** Page table and edges: what a page table may say, and what lies around it. */
@NullMarked
package dev.heddle.conformance.rules.chapter4;

import org.jspecify.annotations.NullMarked;
