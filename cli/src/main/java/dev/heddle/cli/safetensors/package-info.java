/**
 * The <a href="https://huggingface.co/docs/safetensors">safetensors</a> format: eight bytes of header length, a JSON
 * header, dense tensors. Reading trusts nothing that a file says about itself.
 */
@NullMarked
package dev.heddle.cli.safetensors;

import org.jspecify.annotations.NullMarked;
