package uk.ac.manchester.tornado.api;

public interface TornadoTargetDevice {
    String getDeviceName();

    long getDeviceGlobalMemorySize();

    long getDeviceMaxAllocationSize();
}
