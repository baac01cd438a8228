/* Devices and streams (device.c, stream.c). */
#ifndef MXP_DEVICE_H
#define MXP_DEVICE_H

#include "mxp.h"

PyObject *mxp_default_device(void); /* Device(cpu, 0), new */
bool mxp_add_streams(PyObject *module);

#endif
