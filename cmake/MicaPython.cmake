# Which Python the extension is for: sets mica_python (its path, or OFF), mica_python_include and mica_python_suffix. The
# version and headers are those of the virtual environment's interpreter.
set(mica_python OFF)
if(MICA_PYTHON)
  execute_process(
    COMMAND "${MICA_VENV}/bin/python" -c
      "import sys, sysconfig; v = sysconfig.get_config_var; assert (3, 10) <= sys.version_info[:2]; print(sysconfig.get_paths()['include'], v('EXT_SUFFIX'), sep=';')"
    OUTPUT_VARIABLE python_config OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE python_failed)
  if(NOT python_failed)
    list(GET python_config 0 mica_python_include)
    list(GET python_config 1 mica_python_suffix)
    if(EXISTS "${mica_python_include}/Python.h")
      set(mica_python "${MICA_VENV}/bin/python")
    endif()
  endif()
  if(NOT mica_python)
    message(STATUS "mlx.core is not built: ${MICA_VENV} has no Python 3.10 or later with headers")
  endif()
endif()
