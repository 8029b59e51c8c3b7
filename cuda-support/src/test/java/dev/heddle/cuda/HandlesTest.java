package dev.heddle.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.heddle.core.tensor.MemorySpaceId;
import jcuda.driver.CUdeviceptr;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HandlesTest {
    @ParameterizedTest
    @ValueSource(longs = {0, 1, 0x7f12_3456_7800L, -256})
    void addressesGoInAndOutUnchanged(long address) {
        assertEquals(address, Handles.address(Handles.stream(address)));
        assertEquals(address, Handles.address(Handles.devicePointer(address)));
        assertEquals(Handles.devicePointer(address), Handles.devicePointer(address));
    }

    @Test
    void freshPointersAreNull() {
        assertEquals(0, Handles.address(new CUdeviceptr()));
    }

    @Test
    void memoryOfSomebodyElseIsNeverFreed() {
        MemorySpaceId space = new MemorySpaceId(CudaDevice.SPACE_KIND, 1);
        CudaBuffer wrapped = new CudaBuffer(space, 4096, 100, null);
        assertEquals(4096, wrapped.address());
        assertEquals(space, wrapped.space());
        assertEquals(100, wrapped.byteSize());
        assertTrue(wrapped.isOpen());
        wrapped.close();
        wrapped.close();
        assertFalse(wrapped.isOpen());
        assertEquals("a buffer of cuda:1 is closed",
                assertThrows(IllegalStateException.class, wrapped::address).getMessage());
    }
}
